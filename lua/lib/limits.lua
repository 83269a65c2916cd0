--- Every bound, once: what callers may give, what holds when they give nothing, and what one call does at most. Times are in ms, sizes in
--- bytes. The build hands all of it on to TypeScript, so neither the client nor the documents repeat a number.

local SECOND, MINUTE, HOUR, DAY, YEAR = 1000, 60000, 3600000, 86400000, 31536000000
local KIB, MIB = 1024, 1048576

-- The members of the policy, by the token that sets them.
local POLICY = {
  WAIT = { field = 'wait', least = 1, most = YEAR, default = 10 * SECOND, code = 'BAD_POLICY' },
  MAXWAIT = { field = 'maxWait', least = 1, most = YEAR, default = MINUTE, code = 'BAD_POLICY' },
  -- A batch is read and handed on in one call, hence the bound.
  MAXSIZE = { field = 'maxSize', least = 1, most = 500, default = 10, code = 'BAD_POLICY' },
  MAXBACKLOG = { field = 'maxBacklog', least = 1, most = 1000000, default = 1000, code = 'BAD_POLICY' },
  MAXMESSAGEBYTES = { field = 'maxMessageBytes', least = 1, most = MIB, default = 256 * KIB, code = 'BAD_POLICY' },
  MAXBATCHBYTES = { field = 'maxBatchBytes', least = 1, most = MIB, default = MIB, code = 'BAD_POLICY' },
  DEDUPE = { field = 'dedupe', least = 1, most = YEAR, default = HOUR, code = 'BAD_POLICY' },
  MAXDEAD = { field = 'maxDead', least = 1, most = 1000000, default = 10000, code = 'BAD_POLICY' },
  -- 0: however old, and however many.
  MAXDEADAGE = { field = 'maxDeadAge', least = 0, most = YEAR, default = 0, code = 'BAD_POLICY' },
  MAXKEYS = { field = 'maxKeys', least = 0, most = 100000000, default = 0, code = 'BAD_POLICY' },
  -- 0: none are written.
  EVENTS = { field = 'events', least = 0, most = 1000000, default = 0, code = 'BAD_POLICY' },
  -- 0: no batch is.
  ARCHIVE = { field = 'archive', least = 0, most = YEAR, default = 0, code = 'BAD_POLICY' },
  MAXARCHIVED = { field = 'maxArchived', least = 1, most = 1000000, default = 10000, code = 'BAD_POLICY' },
}

-- The most of what is no option of a call.
local LIMITS = {
  -- Bytes of the key of a conversation, of the name of a stream, and of the name in a NONCE.
  key = KIB,
  stream = 128,
  caller = 48,
  -- What the messages of one call weigh together: each its bytes, and beside them what it costs however short it is: with no token but ID, with
  -- options, with EDITS or WITHDRAWS, or with REQUEUED. One alone may weigh more. Of the first messages of keys with options, which may be large, one
  -- call reads so many bytes.
  added = 256 * KIB,
  messageWork = 2 * KIB,
  specialWork = 5 * KIB,
  changeWork = 64 * KIB,
  requeuedWork = 64 * KIB,
  firstBytes = 64 * KIB,
  -- A queue is taken to have no messages with more bytes of data, until one comes.
  small = 4 * KIB,
  -- Of one call: pairs of key and token, ids of dead batches, and parts that are looked at.
  pairs = 50,
  ids = 100,
  parts = 100,
  -- Commands of Redis whose rights one call asks for.
  commands = 200,
  -- One call brings back so many messages of dead batches, each batch counting for some more, or one batch.
  revived = 600,
  revivedMore = 20,
  -- A message of more bytes is written only when its key is known to have room.
  unasked = 4096,
  -- A message that is to be changed is looked for among so many of the newest of its key. One call reads so many bytes for that, and the message that
  -- exceeds them.
  sought = 100,
  soughtBytes = 256 * KIB,
  -- Batches that fail or are given back in one call. Of those that die, or keep some of their messages, it moves so many messages and bytes, or one
  -- batch; each batch counts for so many messages more.
  ends = 64,
  moved = 256,
  movedBytes = 256 * KIB,
  movedBatch = 10,
  -- Of what a batch has failed with, so many bytes are kept while it pauses.
  lastError = 256,
  -- Dead batches that have become too old: one call drops so many.
  oldDead = 10,
  -- Partitions, and the numbers of partitions and of changes.
  partitions = 1024,
  number = 999999,
  -- So many workers of a root stand by, or are known to be there, at most; one call drops at most so many that stood by and are gone, and asks
  -- after so many others.
  standbys = 1000,
  -- About so many of those that stand by look in the rest of one; with more of them each looks more seldom, but once in so many ms.
  standbyLooks = 8,
  longestStandby = 10 * SECOND,
  -- A watcher that has not looked so many ms after it should have is gone.
  missed = 250,
  appointed = 100,
  asked = 10,
  -- What programs gave last is kept of so many.
  programs = 4,
  -- A claim that finds nothing but scores that lag behind looks so far ahead for others, ms, and at so many keys at most.
  lagAhead = 50,
  lagging = 100,
  -- A claim does so much work, counted as lib/claim.lua has it. A call that has read so many bytes to see when keys are due looks at no more of them.
  -- Of what lies ahead of the time one call moves so many keys.
  claimWork = 2500,
  windowBytes = 512 * KIB,
  lowered = 100,
  -- One call deletes so many entries of a stream that are done.
  trimmed = 1000,
  -- An entry of events has so many fields and values, and those of the conversation that exceeds them. One call that reads events looks at so many.
  eventFields = 1000,
  eventLooks = 4000,
  -- Of a batch that is archived so many bytes of ids are kept. One call takes so many bytes of texts and results, or those of one batch; it reads so
  -- many of messages for their ids and times; and it drops so many that are too old or too many, and one for each that it keeps.
  archivedIds = 16 * KIB,
  archivedTexts = 256 * KIB,
  archivedBytes = 256 * KIB,
  oldArchived = 10,
  -- One call that reads the archive looks at so many batches.
  archiveLooks = 500,
  -- One call that erases does so much work, counted as functions/conversation/erase.lua has it.
  eraseWork = 2000,
  -- One call that traces does so much work, counted as functions/conversation/trace.lua has it.
  traceWork = 2000,
  -- Of messages that are shown, one call gives so many bytes, and the message that exceeds them. What waits behind batches is counted of so many keys.
  shownBytes = 256 * KIB,
  sampled = 100,
  -- One check looks at so many messages, each part counting for some more, and bytes of them; all are counted only while there are no more keys and
  -- dead batches than this.
  checkLooks = 1000,
  partLooks = 20,
  checkBytes = 256 * KIB,
  counted = 1000,
}

-- The options of calls. Each is { field, least, most, default } for a number, { field, bytes } for a text, or { field, flag = true }.
local OPTIONS = {
  -- Messages: their own options hold instead of the policy's.
  id = { field = 'id', bytes = 512, code = 'BAD_ID' },
  wait = { field = 'wait', least = 1, most = POLICY.WAIT.most },
  maxWait = { field = 'maxWait', least = 1, most = POLICY.MAXWAIT.most },
  maxSize = { field = 'maxSize', least = 1, most = POLICY.MAXSIZE.most },
  flush = { field = 'flush', flag = true },
  edits = { field = 'edits', bytes = 512, code = 'BAD_ID' },
  withdraws = { field = 'withdraws', bytes = 512, code = 'BAD_ID' },
  traceContext = { field = 'traceContext', bytes = 2 * KIB },
  requeued = { field = 'requeued', bytes = 128 },

  -- How many of them at most: batches that are claimed or forwarded, messages that are shown, dead batches that are listed.
  claimed = { field = 'limit', least = 1, most = 1000, default = 10 },
  forwarded = { field = 'limit', least = 1, most = 1000, default = 100 },
  shown = { field = 'limit', least = 1, most = 1000, default = 100 },
  listed = { field = 'limit', least = 1, most = 50, default = 50 },
  offset = { field = 'offset', least = 0, most = 1000000, default = 0 },
  told = { field = 'limit', least = 1, most = 1000, default = 100 },

  -- What events must name.
  ofKey = { field = 'key', bytes = LIMITS.key },
  ofMessage = { field = 'message', bytes = 512 },
  ofBatch = { field = 'batch', bytes = 64 },

  -- Claims and what becomes of them.
  lease = { field = 'lease', least = 1, most = DAY, default = 30 * SECOND },
  before = { field = 'before', least = 0, most = 9999999999999 },
  attempts = { field = 'attempts', least = 1, most = 1000, default = 5 },
  delay = { field = 'delay', least = 0, most = YEAR, default = SECOND },
  error = { field = 'error', bytes = 4 * KIB },
  keep = { field = 'keep', bytes = 8 * KIB },
  reason = { field = 'reason', bytes = 256 },
  batch = { field = 'id', bytes = 64 },
  kept = { field = 'kept', least = 0, most = YEAR, default = HOUR },
  entries = { field = 'longest', least = 1, most = 10000000, default = 100000 },

  -- Who calls.
  text = { field = 'text', bytes = 64 * KIB },
  result = { field = 'result', bytes = 64 * KIB },
  worker = { field = 'worker', bytes = 64 },
  echo = { field = 'echo', flag = true },
  rest = { field = 'rest', least = 1, most = HOUR, default = SECOND },
  drain = { field = 'drain', flag = true },
  dead = { field = 'dead', flag = true },
  nonce = { field = 'nonce', bytes = 64 },
  program = { field = 'given', bytes = 64 },
  again = { field = 'again', flag = true },
  after = { field = 'after', bytes = 256 },

  -- Partitions.
  generation = { field = 'generation', least = 1, most = LIMITS.number },
  layout = { field = 'layout', bytes = 64 },
  open = { field = 'open', flag = true },
  retire = { field = 'retire', flag = true },
  prepare = { field = 'prepare', least = 1, most = LIMITS.partitions },
  new = { field = 'new', flag = true },
  commit = { field = 'commit', least = 0, most = LIMITS.number },
  drained = { field = 'drained', flag = true },
  settle = { field = 'settle', least = 0, most = LIMITS.number },
  restore = { field = 'restore', least = 1, most = LIMITS.number },
}
