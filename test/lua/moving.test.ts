import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lacksServer } from '../client/clients.ts'
import { type ClusterNode, TestCluster } from '../support/cluster.ts'
import { SHIPPED_SOURCE } from '../support/source.ts'

const ROOT = 'rapid-fire:{orders}'

describe.skipIf(lacksServer('a slot that is being moved'))('while its slot is being moved', () => {
  let cluster: TestCluster
  let from: ClusterNode
  let to: ClusterNode
  let slot: number

  const add = ({ redis }: ClusterNode, ...args: string[]) =>
    redis.fcall('rapidfire_add', 1, ROOT, ...args).then(String, (error: Error) => error.message)
  const keys = () => Promise.all([from, to].map(async ({ redis }) => (await redis.keys('*')).sort()))

  beforeAll(async () => {
    cluster = await TestCluster.start({ primaries: 2, replicas: 0 })
    slot = await cluster.slotOf(ROOT)
    from = await cluster.primaryOf(slot)
    to = cluster.nodes.find((node) => node !== from) as ClusterNode
    for (const { redis } of cluster.nodes) await redis.function('LOAD', SHIPPED_SOURCE.library)
  }, 60_000)
  afterAll(() => cluster?.stop())

  it('neither node does half of a call, and all goes on afterwards', async () => {
    expect(await add(from, 'ann', '0')).toBe('added,1')
    await from.redis.config('RESETSTAT')
    expect(await add(from, 'ann', '1')).toBe('added,2')
    // It asks once whether it is on a node of a cluster.
    expect(await from.redis.info('commandstats')).not.toContain('cmdstat_info')
    await to.redis.cluster('SETSLOT', slot, 'IMPORTING', from.id)
    await from.redis.cluster('SETSLOT', slot, 'MIGRATING', to.id)
    const before = await keys()

    // The root is still here: Redis lets the call in, and would let it write what is here already and stop at what is not.
    const moving = `TRYAGAIN '${ROOT}' is being moved to another node`
    expect(await add(from, 'ann', '2', 'NEXT', 'bob', '1')).toBe(moving)
    const claim = from.redis.fcall('rapidfire_claim_ready', 1, ROOT, 'NONCE', 'me/1').then(String, (error: Error) => error.message)
    expect(await claim).toBe(moving)
    await cluster.moveKeys(from, to, [ROOT])
    // The root is there, the messages of ann are not.
    expect(await add(from, 'ann', '2')).toMatch(/^ASK /)
    await to.redis.asking()
    expect(await add(to, 'ann', '2')).toMatch(/^TRYAGAIN /)
    expect((await keys()).flat().sort()).toEqual(before.flat().sort())

    await cluster.moveKeys(from, to, (await keys())[0] as string[])
    for (const { redis } of [to, from]) await redis.cluster('SETSLOT', slot, 'NODE', to.id)
    expect(await add(to, 'ann', '2', 'NEXT', 'bob', '1')).toBe('added,3,added,1')
  })
})
