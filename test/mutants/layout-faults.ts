import type { Faults } from './fault.ts'

/** Of partitions and of what changes their number. */
export const LAYOUT_FAULTS: Faults = {
  'functions/add.lua': [
    ['size == 1 and policy.closed', 'false', 'a retired root takes messages of new keys'],
    ['size == 1 and policy.closed', 'policy.closed', 'a retired root refuses messages of keys that have some there'],
  ],
  'functions/claim_ready.lua': [
    ['if policy.closed and not options.drain then', 'if false then', 'a worker does not learn that a root is retired'],
    ['if policy.closed and not options.drain then', 'if policy.closed then', 'nobody can drain a retired root'],
  ],
  'functions/forward.lua': [
    ['if policy.closed and not options.drain then', 'if false then', 'a forwarder does not learn that a root is retired'],
  ],
  'functions/requeue.lua': [['if policy.closed then return', 'if false then return', 'a dead batch comes back to a retired root']],
  'lib/claim.lua': [
    ['options.worker and (next_at or not policy.closed)', 'options.worker', 'a worker does not learn that a root is drained'],
  ],
  'functions/repartition.lua': [
    ['math.max(serving, 1)', 'serving', 'a queue without partitions is changed to one'],
    ["state == 'draining' and same", 'false', 'the same number once more is refused while partitions are drained'],
    ["wanted and state ~= 'steady' and not", 'false and not', 'a second change begins during the first'],
    ["'preparing', wanted, first + serving", "'preparing', wanted, first", 'numbers are used twice'],
    ['options.commit == other_first and', 'options.commit and', 'the end of another change is taken for that of this one'],
    ["options.drained and 'steady' or 'draining'", "'steady'", 'what the old partitions hold is forgotten'],
    ["options.drained and 'steady' or 'draining'", "'draining'", 'empty partitions are drained'],
    ['options.settle == first and', 'options.settle and', 'partitions are forgotten in the name of others'],
    ["  if state == 'steady' then other, other_first = 0, 0 end\n", '', 'a steady layout names other partitions'],
    ["'otherFirst', other_first\n", "'otherFirst', first\n", 'other partitions have wrong numbers'],
  ],
  'functions/partition.lua': [
    ["partition_of(root) and 'unused' or 'open'", "'open'", 'a partition that nobody has opened looks open'],
    ["if open and state == 'unused' then", 'if open then', 'a retired partition is opened again'],
    ["    for field, value in pairs(options) do call('HSET', root, field, value) end\n", '', 'a partition is opened without its policy'],
    ["    say(root, '*', '0')\n", '', 'workers do not hear that a root is retired'],
    ["retire and state ~= 'retired'", 'retire', 'workers are woken by each retirement anew'],
    ["call('ZCARD', due_key(root)) + call('ZCARD', active_key(root))", "call('ZCARD', due_key(root))", 'keys in work are not counted'],
    ['current.slice + 2 * current.dedupe', 'current.slice + current.dedupe', 'ids are taken for forgotten too early'],
    ['  bad = bad_policy(current)\n  if bad then return bad end\n', '', 'a partition is opened with a policy that contradicts itself'],
  ],
}
