import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { Caller } from '../../src/redis/caller.ts'
import { connect } from '../../src/redis/connection.ts'
import { lacksServer } from '../client/clients.ts'
import { type ClusterNode, TestCluster } from '../support/cluster.ts'
import { proxyTo } from '../worker/proxy.ts'

/** A command that is not answered for so long has failed, ms. */
const SILENCE = 800

describe.skipIf(lacksServer('connections of a cluster'))('a connection of our own to a cluster', () => {
  let servers: TestCluster
  /** A root on each primary. */
  const roots: string[] = []

  beforeAll(async () => {
    servers = await TestCluster.start({ primaries: 2, replicas: 0 })
    for (let n = 0; roots.filter(Boolean).length < 2; n += 1) {
      const root = `rapid-fire:{queue${n}}`
      const node = servers.nodes.indexOf(await servers.primaryOf(await servers.slotOf(root)))
      roots[node] ??= root
    }
  })
  afterAll(async () => {
    await servers?.stop()
  })

  /** A connection whose way to each node leads through a proxy. */
  async function throughProxies(onReply: (node: number, bytes: Buffer) => unknown = () => {}) {
    const proxies = await Promise.all(
      servers.nodes.map(({ server }, node) =>
        proxyTo(server.url, { reply: (line, bytes) => onReply(node, bytes) === 'cut' && line.client.destroy() }),
      ),
    )
    const natMap = Object.fromEntries(
      servers.nodes.map(({ port }, n) => [
        `127.0.0.1:${port}`,
        { host: '127.0.0.1', port: Number(new URL((proxies[n] as { url: string }).url).port) },
      ]),
    )
    const cluster = servers.client({ natMap, lazyConnect: true })
    const connection = connect(cluster).duplicate(SILENCE)
    onTestFinished(async () => {
      cluster.disconnect()
      await connection.close()
    })
    const impatient = new Caller(connection)
    const patient = new Caller({ ...connection, patience: { ...connection.patience, patience: 10_000 } })
    const stats = (node: number, caller = impatient) => caller.call(roots[node] as string, 'stats', {})
    return { proxies, connection, patient, stats }
  }

  const clients = async (node: number) => {
    const list = await servers.nodes[node]?.redis.client('LIST')
    return String(list).match(/^id=\d+/gm) ?? []
  }

  it('fails when its node is silent, and drops the connection to that one alone', async () => {
    const { proxies, connection, patient, stats } = await throughProxies()
    for (const node of [0, 1]) expect(await stats(node, patient)).toBeInstanceOf(Array)
    const before = await clients(1)
    proxies[0]?.stall('fcall')
    const [silent, healthy] = await Promise.allSettled([stats(0), stats(1)])
    expect(silent).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE', message: /timed out: no answer within 800 ms/ } })
    expect(healthy.status).toBe('fulfilled')
    connection.reconnect(roots[0])
    expect(await stats(0, patient)).toBeInstanceOf(Array)
    expect(await stats(1, patient)).toBeInstanceOf(Array)
    expect(await clients(1)).toEqual(expect.arrayContaining(before))
  })

  it('finds its way back by itself when it is patient', async () => {
    const { proxies, patient, stats } = await throughProxies()
    expect(await stats(0, patient)).toBeInstanceOf(Array)
    proxies[0]?.stall('fcall')
    expect(await stats(0, patient)).toBeInstanceOf(Array)
  })

  it('starts while a node is silent, and serves the others', async () => {
    const { proxies, patient, stats } = await throughProxies()
    const stalled = setInterval(() => proxies[0]?.stall('fcall'), 1)
    onTestFinished(() => clearInterval(stalled))
    expect(await stats(1, patient)).toBeInstanceOf(Array)
  })

  it('repeats what its node has not answered, unless it must not be done twice', async () => {
    let cuts = 0
    const { patient } = await throughProxies((node, bytes) => node === 0 && bytes.includes('added') && cuts-- > 0 && 'cut')
    const root = roots[0] as string
    const length = () => servers.nodes[0]?.redis.llen(`${root}:messages:ann`)
    const add = (data: string, id?: string) =>
      patient.call(root, 'add', { messages: [{ key: 'ann', data, ...(id && { id }) }], generation: 0 })
    await patient.call(undefined, 'version', {})
    cuts = 1
    expect(await add('1', 'a')).toEqual([{ status: 'duplicate', size: 1 }])
    expect(await length()).toBe(1)
    cuts = 1
    await expect(add('2')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: /may have been stored/,
    })
    expect(await length()).toBe(2)
  })

  it.each(['functions', 'scripts'] as const)('keeps the order of a key while its slot is moved, %s', async (binding) => {
    const redis = servers.client()
    const rapidfire = new RapidFire<number>({ redis, queue: `moving-${binding}`, binding, policy: { maxSize: 500 } })
    onTestFinished(() => redis.disconnect())
    for (let n = 0; n < 25; n += 1) await rapidfire.addMessage(`key ${n}`, n)
    const slot = await servers.slotOf(`rapid-fire:{${rapidfire.queue}}`)
    const from = await servers.primaryOf(slot)
    const adds: Promise<unknown>[] = []
    const addSome = async () => {
      for (let n = 0; n < 5; n += 1) {
        adds.push(rapidfire.addMessage('ann', adds.length))
        await setImmediate()
      }
    }
    await servers.migrateSlot(slot, servers.nodes.find((node) => node !== from) as ClusterNode, addSome)
    await addSome()
    await Promise.all(adds)
    const { messages } = await rapidfire.peek('ann', 1000)
    expect(messages.map(({ data }) => data)).toEqual(adds.map((_, n) => n))
  })
})
