import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Finding } from '../../cli/doctor/finding.ts'
import { assemble } from '../../lua/build/assemble.mjs'
import { RapidFire } from '../../src/rapidfire.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { lacksServer } from '../client/clients.ts'
import { additionsFor, setUser, urlOf } from '../support/acl.ts'
import { type ClusterNode, TestCluster } from '../support/cluster.ts'
import { rapidfire } from '../support/shell.ts'

const SOUND = ['--appendonly', 'yes', '--maxmemory', '200mb']

const address = ({ port }: ClusterNode) => `127.0.0.1:${port}`

describe.skipIf(lacksServer('doctor of a cluster'))('doctor of a cluster', () => {
  let cluster: TestCluster
  let entry: ClusterNode
  let primary: ClusterNode
  let replica: ClusterNode

  async function examine(from = entry, ...args: string[]): Promise<Finding[]> {
    const { code, stdout, stderr } = await rapidfire(['doctor', '--json', '--redis', from.server.url, '--queue', 'salon', ...args])
    expect(stderr).toBe('')
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
    expect(code).toBe(ok ? 0 : 1)
    return findings
  }
  const wrong = async (...args: Parameters<typeof examine>) => (await examine(...args)).filter(({ level }) => level === 'wrong')

  beforeAll(async () => {
    cluster = await TestCluster.start({ redis: SOUND, nodeTimeout: 1000 })
    ;[entry, primary] = cluster.nodes as [ClusterNode, ClusterNode]
    replica = cluster.nodes[4] as ClusterNode
  })
  afterAll(() => cluster?.stop())
  beforeEach(async () => {
    await Promise.all((await cluster.primaries()).map(({ redis }) => redis.function('LOAD', 'REPLACE', SOURCE.library)))
  })

  it('asks every node, and tells where the queue is', async () => {
    const findings = await examine()
    expect(findings.filter(({ check, level }) => level !== 'ok' && check !== 'clients')).toEqual([])
    const all = cluster.nodes.map(address).sort()
    for (const check of ['library', 'persistence', 'memory', 'clock', 'rights'] as const) {
      expect(findings.filter((each) => each.check === check).map(({ nodes }) => nodes.sort())).toEqual([all])
    }
    const slot = await cluster.slotOf('rapid-fire:{salon}')
    expect(findings.filter(({ check }) => check === 'cluster')).toMatchObject([
      { nodes: expect.arrayContaining(all), text: 'cluster_state is ok, 6 nodes, 16384 slots' },
      { nodes: [address(await cluster.primaryOf(slot))], text: `has rapid-fire:{salon} in slot ${slot}` },
    ])
    const redis = cluster.client()
    onTestFinished(() => redis.disconnect())
    await new RapidFire({ redis, queue: 'parted' }).policy({ partitions: 4 })
    const { stdout } = await rapidfire(['doctor', '--json', '--redis', entry.server.url, '--queue', 'parted'])
    const places = (JSON.parse(stdout).findings as Finding[]).filter(({ text }) => text.startsWith('has '))
    expect(places.flatMap(({ text }) => text.match(/rapid-fire:\{parted:\d\}/g)).sort()).toEqual(
      [0, 1, 2, 3].map((n) => `rapid-fire:{parted:${n}}`),
    )
    expect(findings.filter(({ check, text }) => check === 'replication' && text.startsWith('its replica'))).toHaveLength(3)
  })

  it('finds an old library on one primary, which load mends', async () => {
    await primary.redis.function('LOAD', 'REPLACE', assemble({ version: '0.0.9' }).library)
    await primary.redis.wait(1, 10_000)
    const [found, ...others] = await wrong()
    expect(others).toEqual([])
    expect(found).toMatchObject({ check: 'library', text: /is 0\.0\.9, older/ })
    expect(found?.nodes.sort()).toEqual([primary, replica].map(address).sort())
    expect(found?.mend).toEqual(['npx rapidfire load'])
    expect((await rapidfire(['load'], { REDIS_URL: entry.server.url })).code).toBe(0)
    await primary.redis.wait(1, 10_000)
    expect(await wrong()).toEqual([])
  })

  it('finds what is set otherwise on one node', async () => {
    await replica.redis.config('SET', 'maxmemory-policy', 'volatile-ttl')
    await replica.redis.config('SET', 'appendonly', 'no')
    expect(await wrong()).toMatchObject([
      { check: 'persistence', nodes: [address(replica)] },
      {
        check: 'memory',
        nodes: [address(replica)],
        mend: [`redis-cli --askpass -h 127.0.0.1 -p ${replica.port} CONFIG SET maxmemory-policy noeviction`],
      },
    ])
    await replica.redis.config('SET', 'maxmemory-policy', 'noeviction')
    await replica.redis.config('SET', 'appendonly', 'yes')
  })

  it('finds a node that does not know the user', async () => {
    const grant = ['ACL', 'SETUSER', 'bot', 'on', '>secret', '~*', '&*', '+@all'] as const
    await Promise.all(cluster.nodes.map(({ redis }) => redis.call(...grant)))
    await replica.redis.call('ACL', 'DELUSER', 'bot')
    await primary.redis.call('ACL', 'SETUSER', 'bot', '-rpush')
    const as = { ...entry, server: { ...entry.server, url: urlOf(entry.server.url, 'bot') } }
    expect(await wrong(as, '--role', 'producer')).toMatchObject([
      { check: 'server', nodes: [address(replica)], text: /refuses the connection: WRONGPASS/ },
      { check: 'rights', nodes: [address(primary)], text: 'user bot lacks rights of a producer: +rpush' },
    ])
  })

  it('needs no more rights than cli/README.md names, and neither do producers and workers', async () => {
    const { more } = additionsFor('a cluster')
    for (const { redis } of cluster.nodes) for (const role of ['producer', 'worker'] as const) await setUser(redis, role, ...more)
    const clients = (['producer', 'worker'] as const).map((username) => {
      const redis = cluster.client({ redisOptions: { username, password: 'secret' } })
      onTestFinished(() => redis.disconnect())
      return new RapidFire<number>({ redis, queue: 'salon' })
    })
    const [producer, consumer] = clients as [RapidFire<number>, RapidFire<number>]
    const completed: string[] = []
    const worker = consumer.worker(() => {}).on('completed', ({ key }) => completed.push(key))
    onTestFinished(() => worker.close({ timeout: 0 }))
    worker.run()
    await producer.addMessage('ann', 1, { flush: true })
    await expect.poll(() => completed, { timeout: 20_000 }).toEqual(['ann'])
    const as = { ...entry, server: { ...entry.server, url: urlOf(entry.server.url, 'worker') } }
    const findings = await examine(as, '--role', 'worker')
    expect(findings.filter(({ check, level }) => level !== 'ok' && check !== 'clients')).toEqual([])
    expect(findings.find(({ check }) => check === 'rights')?.nodes).toHaveLength(6)
  })

  it('finds slots that move, and slots that belong to nobody', async () => {
    const slot = await cluster.slotOf('rapid-fire:{salon}')
    const owner = await cluster.primaryOf(slot)
    const to = (await cluster.primaries()).find((node) => node !== owner) as ClusterNode
    await owner.redis.cluster('SETSLOT', slot, 'MIGRATING', to.id)
    expect((await examine()).filter(({ check, level }) => level !== 'ok' && check !== 'clients')).toMatchObject([
      { check: 'cluster', level: 'note', text: `slot ${slot} is being moved; if nobody is moving it, that was broken off` },
    ])
    await owner.redis.cluster('SETSLOT', slot, 'STABLE')
    await owner.redis.cluster('DELSLOTS', slot)
    expect(await wrong()).toContainEqual(
      expect.objectContaining({ check: 'cluster', text: 'the nodes do not agree on who has which slots' }),
    )
    for (const { redis } of cluster.nodes) await redis.cluster('DELSLOTS', slot).catch(() => {})
    const texts = (await wrong()).map(({ text }) => text)
    expect(texts).toContain('1 of 16384 slots belong to no node')
    expect(texts).toContain(`rapid-fire:{salon} is in slot ${slot}, which belongs to no node`)
    await owner.redis.cluster('ADDSLOTS', slot)
    await cluster.settled()
    expect(await wrong()).toEqual([])
  })

  it('finds a primary that is gone while nobody takes over, though the cluster is down', async () => {
    await replica.redis.config('SET', 'cluster-replica-no-failover', 'yes')
    await cluster.kill(primary)
    await expect.poll(() => entry.redis.cluster('INFO'), { timeout: 20_000 }).toContain('cluster_state:fail')
    const found = await wrong()
    expect(found.map(({ check, nodes, text }) => [check, nodes.length, text.replace(/:\d+/g, '')])).toEqual([
      ['server', 1, expect.stringMatching(/cannot be reached: .*ECONNREFUSED/)],
      ['replication', 1, 'the link to its primary 127.0.0.1 is down: a failover to it loses what came since'],
      ['cluster', 5, 'cluster_state is not ok: calls are refused'],
      ['cluster', 1, 'the others take it to have failed'],
    ])
    expect(found[0]?.nodes).toEqual([address(primary)])
    expect(found[1]).toMatchObject({
      nodes: [address(replica)],
      mend: [expect.stringContaining(`start ${address(primary)}`)],
    })
    expect(found[3]).toMatchObject({ nodes: [address(primary)], mend: [expect.stringContaining(`CLUSTER FORGET ${primary.id}`)] })
    await cluster.restart(primary)
    await cluster.settled()
    expect(await wrong()).toEqual([])
  })
})
