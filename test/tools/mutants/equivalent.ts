import type { Edit } from './mutants.ts'

/** What the operators make and no test can notice, each with the reason. */
export const EQUIVALENT: (Edit & { why: string })[] = [
  { within: 'bad_message', find: '#key > LIMITS.key', put: '#key >= LIMITS.key', why: 'bad_key, which is asked then, knows better' },
  { within: 'read_tokens', find: 'name and name ~= stop', put: 'name', why: 'the token is compared once more where it is unknown' },
  { within: 'look_through', find: 'if not held then', put: 'if true then', why: 'what is read of a held key is not looked at' },
  { within: 'copy_back', find: 'if kept[n] ~= done + n then', put: 'if true then', why: 'an element is written over itself' },
  { within: 'apply_options', find: 'count = 0, wait = 0', put: 'count = 1, wait = 0', why: 'the first message, which is there, sets it' },
  { within: 'apply_options', find: 'wait = 0, maxWait', put: 'wait = 1, maxWait', why: 'the first message, which is there, sets it' },
  { within: 'apply_options', find: 'maxWait = 0, closer', put: 'maxWait = 1, closer', why: 'the first message, which is there, sets it' },
  {
    within: 'named',
    find: '#flat, 2 do',
    put: '#flat, 3 do',
    why: 'the two fields that are read stand at 1 and 7 of what Redis tells of a group',
  },
  {
    within: 'remember_ids',
    find: "'SREM', ids.set, unpack(fresh, from, math.min(from + UNPACKED - 1",
    put: "'SREM', ids.set, unpack(fresh, from, math.min(from + UNPACKED + 1",
    why: 'what is taken out besides was not put in',
  },
  { within: 'find_places', find: 'math.min(2 * step, 64)', put: 'math.min(1 * step, 64)', why: 'the same is read, in more pieces' },
  {
    within: 'lower_ahead',
    find: 'now + CLOCK_STEP, left',
    put: 'now - CLOCK_STEP, left',
    why: 'more entries are judged, and those are left where they are',
  },
  { within: 'lower_ahead', find: 'standbyUntil = 0, 0', put: 'standbyUntil = 1, 0', why: 'a time that has passed, as 0 is' },
  { within: 'lower_ahead', find: 'standbyUntil = 0, 0', put: 'standbyUntil = 0, 1', why: 'a time that has passed, as 0 is' },
  { within: 'lower_ahead', find: "'watchAt', 0", put: "'watchAt', 1", why: 'a time that has passed, as 0 is' },
  { within: 'lower_ahead', find: "'standbyUntil', 0", put: "'standbyUntil', 1", why: 'a time that has passed, as 0 is' },
  { within: 'claim_ready', find: 'nonce and #batches > 0', put: '#batches > 0', why: 'without a nonce nothing is kept' },
  {
    within: 'hand_out',
    find: "write_numbers(queue, tally)\n    redis.call('HSET', claims_key(root), unpack(look.records))",
    put: "redis.call('HSET', claims_key(root), unpack(look.records))\n    write_numbers(queue, tally)",
    why: 'who may not do the one HSET may not do the other',
  },
  { within: 'forget', find: 'score and not', put: 'not', why: 'whoever calls it has found the key in that index' },
  {
    within: 'partition',
    find: "state ~= 'retired' and (newer or not generation)",
    put: '(newer or not generation)',
    why: 'to retire once more what is retired, by no newer generation, writes what is there',
  },
  {
    within: 'finish_without_list',
    find: "  redis.call('HSET', claims_key(queue.root), key, encode_claim(claim))\n  look_again(queue, key, active_key(queue.root))",
    put: "  look_again(queue, key, active_key(queue.root))\n  redis.call('HSET', claims_key(queue.root), key, encode_claim(claim))",
    why: 'the claim is void before either, so what is cut off here is an entry without claim and list in any case',
  },
  {
    within: 'fail_batch',
    find: "redis.call('HINCRBY', root, 'failed', 1)\n  keep_reply(queue, nonce, 'fail', 'retry')",
    put: "keep_reply(queue, nonce, 'fail', 'retry')\n  redis.call('HINCRBY', root, 'failed', 1)",
    why: 'the claim that is written by then says the same to who asks again',
  },
]
