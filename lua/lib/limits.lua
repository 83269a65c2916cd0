--- Every bound, once: what callers may give, what holds when they give nothing, and what one call does at most. Times are in ms, sizes in
--- bytes. The build hands all of it on to TypeScript, so neither the client nor the documents repeat a number.

local SECOND, MINUTE, HOUR, DAY, YEAR = 1000, 60000, 3600000, 86400000, 31536000000
local KIB, MIB = 1024, 1048576

-- The members of the policy, by the token that sets them.
local POLICY = {
  WAIT = { field = 'wait', least = 1, most = YEAR, default = 10 * SECOND, code = 'BAD_POLICY' },
  MAXWAIT = { field = 'maxWait', least = 1, most = YEAR, default = MINUTE, code = 'BAD_POLICY' },
  -- A batch is read in one call, hence the bound.
  MAXSIZE = { field = 'maxSize', least = 1, most = 1000, default = 10, code = 'BAD_POLICY' },
  MAXBACKLOG = { field = 'maxBacklog', least = 1, most = 1000000, default = 1000, code = 'BAD_POLICY' },
  MAXMESSAGEBYTES = { field = 'maxMessageBytes', least = 1, most = 16 * MIB, default = 256 * KIB, code = 'BAD_POLICY' },
  DEDUPE = { field = 'dedupe', least = 1, most = YEAR, default = HOUR, code = 'BAD_POLICY' },
  MAXDEAD = { field = 'maxDead', least = 1, most = 1000000, default = 10000, code = 'BAD_POLICY' },
}

-- The most of what is no option of a call.
local LIMITS = {
  -- Bytes of the key of a conversation, of the name of a stream, and of the name in a NONCE.
  key = KIB,
  stream = 128,
  caller = 48,
  -- Of one call: pairs of key and token, ids of dead batches, and parts that are looked at.
  pairs = 1000,
  ids = 100,
  parts = 100,
  -- One call brings back so many messages of dead batches, or one batch.
  revived = 1000,
  -- Batches that fail or are given back in one call. Of those that die, or keep some of their messages, it moves so many messages and bytes, or one
  -- batch; each batch counts for so many messages more.
  ends = 64,
  moved = 256,
  movedBytes = 256 * KIB,
  movedBatch = 10,
  -- Partitions, and the numbers of partitions and of changes.
  partitions = 1024,
  number = 999999,
  -- So many workers of a root stand by, or are known to be there, at most; one call drops at most so many that stood by and are gone, and asks
  -- after so many others.
  standbys = 1000,
  appointed = 100,
  asked = 10,
  -- What programs gave last is kept of so many.
  programs = 4,
  -- A claim that finds nothing but scores that lag behind looks so far ahead for others, ms, and at so many keys at most.
  lagAhead = 50,
  lagging = 100,
  -- One call hands out so many bytes of messages and looks at so many keys; of what lies ahead of the time it moves so many keys.
  claimBytes = MIB,
  claimLooks = 2000,
  lowered = 100,
  -- One call deletes so many entries of a stream that are done.
  trimmed = 1000,
  -- One check looks at so many messages and bytes of them; all are counted only while there are no more keys and dead batches than this.
  checkLooks = 5000,
  checkBytes = 4 * MIB,
  counted = 5000,
}

-- The options of calls. Each is { field, least, most, default } for a number, { field, bytes } for a text, or { field, flag = true }.
local OPTIONS = {
  -- Messages: their own options hold instead of the policy's.
  id = { field = 'id', bytes = 512, code = 'BAD_ID' },
  wait = { field = 'wait', least = 1, most = POLICY.WAIT.most },
  maxWait = { field = 'maxWait', least = 1, most = POLICY.MAXWAIT.most },
  maxSize = { field = 'maxSize', least = 1, most = POLICY.MAXSIZE.most },
  flush = { field = 'flush', flag = true },
  requeued = { field = 'requeued', bytes = 128 },

  -- How many of them at most: batches that are claimed or forwarded, messages or dead batches that are shown.
  claimed = { field = 'limit', least = 1, most = 1000, default = 10 },
  forwarded = { field = 'limit', least = 1, most = 1000, default = 100 },
  shown = { field = 'limit', least = 1, most = 1000, default = 100 },
  offset = { field = 'offset', least = 0, most = 1000000, default = 0 },

  -- Claims and what becomes of them.
  lease = { field = 'lease', least = 1, most = DAY, default = 30 * SECOND },
  before = { field = 'before', least = 0, most = 9999999999999 },
  attempts = { field = 'attempts', least = 1, most = 1000, default = 5 },
  delay = { field = 'delay', least = 0, most = YEAR, default = SECOND },
  error = { field = 'error', bytes = 4 * KIB },
  keep = { field = 'keep', bytes = 8 * KIB },
  reason = { field = 'reason', bytes = 256 },
  batch = { field = 'id', bytes = 64 },
  entries = { field = 'longest', least = 1, most = 10000000, default = 100000 },

  -- Who calls.
  worker = { field = 'worker', bytes = 64 },
  echo = { field = 'echo', flag = true },
  rest = { field = 'rest', least = 1, most = HOUR, default = SECOND },
  drain = { field = 'drain', flag = true },
  nonce = { field = 'nonce', bytes = 64 },
  program = { field = 'given', bytes = 64 },
  again = { field = 'again', flag = true },

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
