import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { Partitioning } from '../../src/partitions/change.ts'
import { changePolicy } from '../../src/partitions/policy.ts'
import { rootKey } from '../../src/partitions/roots.ts'
import { definitionOf } from '../../src/protocol/calls.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import { useClients } from '../client/clients.ts'
import { describeBindings } from '../support/lua.ts'
import { type Earlier, keep, restoreHash } from '../support/roots.ts'

/** HISTORIES=500 for a longer run, SEED=… for one that was printed. */
const HISTORIES = Number(process.env.HISTORIES ?? 25)
const FIRST = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))

const ROOT = 'rapid-fire:{orders}'
const KEYS = Array.from({ length: 6 }, (_, n) => `key ${n}`)

/** Of three, on which the roots are spread. */
const serverOf = (root: string) => crc32(root) % 3

/** Numbers that follow from a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

describeBindings('whatever step of a change of partitions a root has lost', (lua) => {
  const made = useClients(lua)
  /** Those of one history; the server bears only so many connections. */
  const clients: RapidFire<any>[] = []
  const client = <T = any>() => {
    const one = made<T>()
    clients.push(one)
    return one
  }

  /** Somebody who knows nothing yet, and is killed after so many calls. */
  function partitioning(calls = Number.POSITIVE_INFINITY): Partitioning {
    let left = calls
    return new Partitioning('orders', async (root, name, input) => {
      left -= 1
      if (left < 0) throw new Error('killed')
      const { write, read } = definitionOf(name)
      return read(await lua().redis.callBuffer(...lua().command(name, [root as string], write(input))))
    })
  }

  const change = (partitions: number, calls?: number) => changePolicy(partitioning(calls), { partitions }).catch(() => {})

  const generation = async (root: string) => Number((await lua().callWith('layout', [root]))[5])

  /** What each worker does once a minute. */
  const lookAfter = () => partitioning().maintain()

  async function run(seed: number): Promise<void> {
    const below = numbers(seed)
    await lua().reset()
    const sent = new Set<string>()
    const handled: string[] = []
    const producers = Array.from({ length: 3 }, () => client<string>())
    const kept: ReadonlyMap<string, Earlier>[] = []
    let damaged = false
    const roots = async () => [ROOT, ...(await lua().redis.keys('rapid-fire:{orders:*}')).sort()].filter((name) => name.endsWith('}'))
    const add = async (rapidfire: RapidFire<string>) => {
      const key = KEYS[below(KEYS.length)] as string
      const data = `${key} ${sent.size}`
      if ((await rapidfire.addMessage(key, data, { id: data })).status === 'added') sent.add(data)
    }
    const handle = async (limit?: number) => {
      await lua().tick(10_000)
      const options = limit === undefined ? {} : { limit }
      await client<string>().processPendingBatches((batch) => void handled.push(...batch.messages.map(({ data }) => data)), options)
    }

    for (let step = 0; step < 30; step += 1) {
      const what = below(12)
      if (what < 4) await add(producers[below(producers.length)] as RapidFire<string>)
      else if (what === 4) producers[below(producers.length)] = client()
      else if (what < 7) await change(1 + below(3), below(2) === 0 ? undefined : below(24))
      else if (what === 7) await handle(1 + below(4))
      else if (what === 8) await lua().tick(below(3) * 3_600_000)
      else if (what === 9) {
        await lookAfter()
        await handle()
        damaged = false
      } else {
        kept.push(new Map(await Promise.all((await roots()).map(async (root) => [root, await keep(lua().redis, root)] as const))))
        if (what === 10 || damaged) continue
        // One root, or all of one server of three; once, until somebody has looked: what all have lost is found nowhere.
        const earlier = kept[below(kept.length)] as Map<string, Earlier>
        const all = await roots()
        const one = all[below(all.length)] as string
        const lost = below(2) === 0 ? [one] : all.filter((root) => serverOf(root) === serverOf(one))
        const known = await Promise.all(all.map((root) => generation(root)))
        const left = all.map((root, n) => (lost.includes(root) ? 0 : (known[n] as number)))
        if (Math.max(...left) < Math.max(...known)) continue
        for (const root of lost) await restoreHash(lua().redis, root, earlier.get(root))
        damaged = true
      }
    }

    // A worker looks after it, and then nobody is apart from the others.
    await lookAfter()
    const together = `together ${seed}`
    for (const [n, producer] of producers.entries()) await producer.addMessage(together, String(n), { id: `together ${n}` })
    expect(await lua().redis.keys(`rapid-fire:{orders*}:messages:${together}`)).toHaveLength(1)
    for (let turn = 0; turn < 4; turn += 1) await handle()
    expect(
      handled
        .splice(0)
        .filter((data) => sent.has(data))
        .sort(),
    ).toEqual([...sent].sort())
    // Counters were lost with the roots; what is judged here is who serves, and that nothing was left behind.
    const { violations, keys } = await client().check()
    expect(violations.filter(({ law }) => law !== 'counters' && law !== 'dead-counter')).toEqual([])
    expect(keys).toBe(0)
  }

  it('is heard of from the first partition that the lost change has made, when no other knows', async () => {
    await lua().reset()
    await change(3)
    const earlier = await Promise.all(
      [ROOT, ...[0, 1, 2].map((n) => rootKey('orders', n))].map(async (root) => ({ root, was: await keep(lua().redis, root) })),
    )
    await change(2)
    for (const { root, was } of earlier) await restoreHash(lua().redis, root, was)
    await restoreHash(lua().redis, rootKey('orders', 4))
    expect(await generation(ROOT)).toBe(1)
    await lookAfter()
    expect(await Promise.all([ROOT, rootKey('orders', 4)].map(generation))).toEqual([2, 2])
  })

  it(`everything comes out once, and all go by one layout, ${HISTORIES} times`, { timeout: 60_000 + HISTORIES * 2000 }, async () => {
    for (let seed = FIRST; seed < FIRST + HISTORIES; seed += 1) {
      await run(seed).catch((error: Error) => {
        error.message = `SEED=${seed} HISTORIES=1: ${error.message}`
        throw error
      })
      await Promise.all(clients.splice(0).map((each) => each.close()))
    }
  })
})
