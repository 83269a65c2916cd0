import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { useRedis } from '../support/redis.ts'
import { testSource } from '../support/source.ts'
import { runHistories } from './histories.ts'
import { World } from './world.ts'

/** The same each time: how many histories it takes, and to shrink the one that is found, differs much from one to the next. */
const SEED = 2

/** Faults as one might make them: the Lua file, what stands there, and what stands there instead. */
const FAULTS = [
  {
    name: 'messages that arrived behind a batch go with it',
    file: 'lib/conversation.lua',
    right: 'size == count then',
    wrong: 'size >= count then',
  },
  {
    name: 'a batch that is completed twice in one call takes the next messages with it',
    file: 'functions/batch/complete.lua',
    right: 'not named[key] and ',
    wrong: '',
  },
  {
    name: 'the id of a message that found no room is remembered',
    file: 'functions/conversation/add.lua',
    right: '  if digest and not forget_id(ids, digest) then return false end\n',
    wrong: '',
  },
  {
    name: 'a lease goes on for as long as the clock has gone back',
    file: 'lib/claim_record.lua',
    right: 'if score > now + claim.span + CLOCK_STEP then',
    wrong: 'if score < now + claim.span + CLOCK_STEP then',
  },
  {
    name: 'what is left of a key comes back in front of all others',
    file: 'lib/window.lua',
    right: 'return math.max(due_at(head, now), now)',
    wrong: 'return due_at(head, now)',
  },
  {
    name: 'what has failed leaves nothing to what is due for the first time',
    file: 'lib/claim.lua',
    right: 'math.ceil((take.limit - count) / 2)',
    wrong: '(take.limit - count)',
  },
  {
    name: 'a key leaves the one index before it is in the other, and the call is cut off between',
    file: 'lib/conversation.lua',
    right: '  if #look.leases > 0 then\n',
    wrong: "  if #look.gone > 0 then redis.call('ZREM', due_key(root), unpack(look.gone)) end\n  if #look.leases > 0 then\n",
  },
]

it.each(FAULTS)('a history is found in which $name', { timeout: 300_000 }, async ({ name, file, right, wrong }) => {
  const folder = mkdtempSync(join(tmpdir(), 'rapidfire-fault-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  cpSync(fileURLToPath(new URL('../../lua', import.meta.url)), folder, { recursive: true })
  const text = readFileSync(join(folder, file), 'utf8')
  expect(text.split(right)).toHaveLength(2)
  writeFileSync(join(folder, file), text.replace(right, wrong))

  const { redis } = await useRedis()
  const world = new World(redis, 'functions', testSource(folder))
  // To shrink one takes longer than to find it: once is enough to see that it works.
  const found = await runHistories(world, 3000, SEED, name === FAULTS[0]?.name).then(
    ({ steps }) => expect.unreachable(`nothing was found in ${steps} steps`),
    (error: Error) => error.message,
  )
  expect(found).toMatch(/^Property failed after \d+ tests\n.*seed: -?\d+/)
  expect(found).toContain('\nCounterexample: [')
  expect(found).toContain("\nredis-cli <<'END'\nFLUSHALL\nSET test:clock 2000000000000\nFCALL rapidfire_policy ")
})
