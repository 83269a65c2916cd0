import type { Faults } from './fault.ts'

export const CHECK_FAULTS: Faults = {
  'functions/check.lua': [
    ['if options then own = own + 1 end', '', 'messages with options are not told of'],
    ['unreadable = unreadable + 1 end', 'unreadable = 0 end', 'messages that cannot be read are not told of'],
    ["text_of(found('ZSCORE', active_key(root), key))", "''", 'the lease is not told of'],
    ["text_of(found('ZSCORE', due_key(root), key))", "''", 'the score in due is not told of'],
    ['positions[gapless + 1] == gapless + 1', 'positions[gapless + 1]', 'a gap in a dead batch is not seen'],
    ["call('PTTL', name), unpack(about)", '-1, unpack(about)', 'a key that will expire is not told of'],
    ['    if spent.looks >= LOOKS or spent.bytes >= BYTES then break end\n', '', 'a call may read any number of messages'],
    ['math.max(policy.wait, tonumber(', 'math.min(policy.wait, tonumber(', 'a score from before the wait was shortened is blamed'],
  ],
  'functions/repair.lua': [
    ["    if kind ~= 'none' and kind ~= expected then return true end\n", '', 'a queue with a foreign index is repaired'],
    ['if claim and (size == 0 or claim.count < 1) then claim = nil end', '', 'a claim without messages stays'],
    ["if own and call('SADD', overrides_key(root), key) == 1 then", 'if false then', 'options stay unknown'],
    ["if size == 0 and call('SREM', overrides_key(root), key) == 1 then", 'if false then', 'a key without messages stays in overrides'],
    ['      claim.count = size\n', '', 'a claim keeps more messages than there are'],
    [
      "    if call('ZREM', due_key(root), key) == 1 then done[#done + 1] = 'removed from due' end\n    -- A lease",
      '    -- A lease',
      'a claimed key stays in due',
    ],
    ["call('ZADD', active_key(root), 'NX', now, key)", "call('ZADD', active_key(root), now, key)", 'a lease that is held is ended'],
    ["if tonumber(call('ZSCORE', active_key(root), key)) > now + longest then", 'if false then', 'a lease beyond the longest stays'],
    [
      "    if call('ZREM', active_key(root), key) == 1 then done[#done + 1] = 'removed from active' end\n",
      '',
      'a key without a claim stays in active',
    ],
    ["      call('HDEL', claims_key(root), key)\n", '', 'a claim that cannot be read stays'],
    ['not score or score > deadline', 'not score', 'a score that is too late stays'],
    ['        wake(root, policy, deadline, now)\n', '', 'nobody is told of what was mended'],
    ["        call('HDEL', name, positions[n])\n", '', 'a dead batch has a message twice'],
    ["      call('HSET', name, 'count', #positions)\n", '', 'the count of a dead batch stays wrong'],
    ["'ZADD', dead_key(root), 'NX', now, id)", "'ZADD', dead_key(root), now, id)", 'a dead batch seems to have died now'],
    ["if (what ~= 'other' or KEPT[part]) and", 'if false and', 'messages that will expire are left to it'],
    ["'%.0f', now + 2 * policy.dedupe", "'%.0f', now + policy.dedupe / 2", 'ids are forgotten too early'],
    ["    redis.call('HSET', root, 'added', added)\n", '', 'the counter of messages stays wrong'],
    ["    redis.call('HSET', root, 'deadMessages', buried)\n", '', 'the counter of dead messages stays wrong'],
    ["{ 'allow-oom' }", '{}', 'a full server cannot be repaired'],
  ],
}
