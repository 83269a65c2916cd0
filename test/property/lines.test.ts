import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { findRedisCli, run, useCommands } from '../support/shell.ts'
import { TEST_SOURCE } from '../support/source.ts'
import { add, peek, unload } from './calls.ts'
import { consume, forward } from './claims.ts'
import { HISTORY, runHistory } from './histories.ts'
import type { Keyspace } from './keyspace.ts'
import { pasteable } from './lines.ts'
import { LOAD, type Reply, type Sent, World } from './world.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

/** A reply as redis-cli prints it when nobody looks. */
function printed(reply: Reply): string {
  if (Array.isArray(reply)) return reply.map(printed).join('\n')
  return /^(RAPIDFIRE_|ERR |NOSCRIPT )/.test(`${reply}`) ? `${reply}\n` : `${reply ?? ''}`
}

const PIPED = `All data transferred. Waiting for the last reply...\nLast reply received from server.\nerrors: 0, replies: ${
  1 + Object.keys(TEST_SOURCE.scripts).length
}\n`

/** What redis-cli prints for a history; entries of a stream are named by the real time. */
const output = (sent: readonly Sent[]) =>
  unnamed(PIPED + sent.map(({ args, reply }) => (args === LOAD ? PIPED : `${printed(reply)}\n`)).join(''))
/** Ids of entries of streams, and their times, are told by the real clock. */
const unnamed = (text: string) => text.replace(/\b1\d{12}(-\d+)?\b/g, '<entry>')

/** A message goes into a stream, is read there, and the functions get lost. */
const STREAMED = [
  add([{ key: 'ann', id: undefined, data: 'odd', flush: true }]),
  forward({ name: 'batches', limit: 1, longest: 1, worker: undefined }),
  consume({ name: 'batches', count: 1 }),
  unload,
  peek({ key: 'ann', limit: 1 }),
]

describeBindings('a history that is printed', (lua) => {
  let commands: Awaited<ReturnType<typeof useCommands>>
  beforeAll(async () => {
    commands = await useCommands(lua().server.url)
    return () => commands.remove()
  })

  it('gets the same replies from redis-cli, and leaves the same behind', { timeout: 60_000 }, async ({ skip }) => {
    if (!findRedisCli()) {
      console.warn('skipped: printed histories: no redis-cli or valkey-cli on PATH')
      return skip()
    }
    const world = new World(lua().redis, lua().mode, TEST_SOURCE)
    await world.load()
    let all = ''
    const long = fc.sample(HISTORY, { seed: 3, numRuns: 60 }).filter((history) => [...history].length > 50)
    for (const history of [STREAMED, ...long.slice(0, 3)]) {
      await runHistory(world, history)
      const { keyspace } = await world.run()
      const text = pasteable(world.mode, world.sent)
      all += text
      const file = join(commands.folder, 'history.sh')
      await writeFile(file, text)
      const { code, stdout, stderr } = await run('sh', [file], { PATH: commands.PATH }, REPOSITORY)
      expect([code, stderr]).toEqual([0, ''])
      expect(unnamed(stdout)).toBe(Buffer.from(output(world.sent), 'latin1').toString())
      // It may have lost the script that reads the keyspace.
      await world.load()
      expect(lasting((await world.run()).keyspace)).toEqual(lasting(keyspace))
    }
    // Nothing is proven of what did not occur.
    const parts = [lua().mode === 'functions' ? 'FUNCTION FLUSH' : 'SCRIPT FLUSH', '\\xff\\x00', ' NEXT ', ' KEEP ', 'XREADGROUP']
    expect(parts.filter((part) => !all.includes(part))).toEqual([])
  })
})

/** All but when the replies that are kept for a while expire, which is told by the real clock. */
const lasting = (keyspace: Keyspace) =>
  new Map([...keyspace].map(([part, value]) => [part, part.startsWith('calls:') ? { ...value, expires: 0 } : value]))
