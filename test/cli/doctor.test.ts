import { rm } from 'node:fs/promises'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { PASSWORD } from '../../cli/demo/private-redis.ts'
import { readFacts } from '../../cli/doctor/facts.ts'
import type { Check, Finding } from '../../cli/doctor/finding.ts'
import { judge } from '../../cli/doctor/judge.ts'
import { assemble } from '../../lua/build/assemble.mjs'
import { RapidFire } from '../../src/rapidfire.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { lacksServer } from '../client/clients.ts'
import { urlOf } from '../support/acl.ts'
import { connectTo } from '../support/cluster.ts'
import { type PrivateRedis, startRedis } from '../support/redis.ts'
import { setBy } from '../support/settings.ts'
import { findRedisCli, rapidfire, run, useCommands } from '../support/shell.ts'
import { eventually } from './processes.ts'

/** A server that nothing is wrong with. */
const SOUND = ['--appendonly', 'yes', '--maxmemory', '200mb', '--repl-diskless-sync-delay', '0']

async function examine(url: string, ...args: string[]) {
  const { code, stdout, stderr } = await rapidfire(['doctor', '--json', '--redis', url, ...args])
  expect(stderr).toBe('')
  expect(stdout).not.toContain(PASSWORD)
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
  expect(code).toBe(ok ? 0 : 1)
  expect(ok).toBe(!findings.some(({ level }) => level === 'wrong'))
  return findings
}

const wrongIn = (findings: Finding[]) => findings.filter(({ level }) => level === 'wrong')

describe.skipIf(lacksServer('doctor'))('doctor', () => {
  let server: PrivateRedis
  let redis: Redis
  let host: string
  const open: (() => unknown)[] = []

  /** Another server, until the end of the test. */
  async function another(...options: string[]) {
    const server = await startRedis(options)
    const redis = connectTo(server)
    onTestFinished(async () => {
      redis.disconnect()
      await server.stop()
    })
    return { ...server, redis, host: `127.0.0.1:${server.port}` }
  }

  /** Expects the one wrong thing, does what is said to mend it, and expects that nothing is wrong any more. */
  async function expectMended(check: Check, text: string, url = server.url, ...args: string[]) {
    const [found, ...others] = wrongIn(await examine(url, ...args))
    expect(others).toEqual([])
    expect(found).toMatchObject({ check, text, nodes: [host], mend: [expect.any(String)] })
    const commands = await useCommands()
    const typed = `printf '%s\\n' "$TYPED" | ${found?.mend[0]}`
    const { code, stderr } = await run('bash', ['-ec', typed], { PATH: commands.PATH, REDIS_URL: server.url, TYPED: server.password })
    await commands.remove()
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^(Please input password: \**\n)?$/) })
    expect(wrongIn(await examine(url, ...args))).toEqual([])
  }

  beforeAll(async () => {
    server = await startRedis(SOUND)
    redis = connectTo(server)
    host = `127.0.0.1:${server.port}`
    open.push(() => redis.disconnect(), server.stop)
  })
  afterAll(async () => {
    for (const close of open) await close()
  })
  beforeEach(async () => {
    await redis.function('LOAD', 'REPLACE', SOURCE.library)
  })

  it('doctor finds nothing wrong with a sound server, says what it has found, and changes nothing', async () => {
    await redis.config('RESETSTAT')
    const { code, stdout, stderr } = await rapidfire(['doctor'], { REDIS_URL: server.url })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).not.toContain(PASSWORD)
    const info = await redis.info('server')
    const version = /valkey_version:(.*)\r/.exec(info)?.[1] ?? /redis_version:(.*)\r/.exec(info)?.[1]
    for (const line of [
      `ok     server       ${host}: ${info.includes('server_name:valkey') ? 'Valkey' : 'Redis'} ${version}, primary`,
      `ok     library      ${host}: binding functions; the library is ${SOURCE.version}`,
      `ok     persistence  ${host}: append-only file: a restart loses nothing, a crash or a power failure can lose the last second or two (everysec)`,
      `ok     memory       ${host}: maxmemory is 209715200 bytes`,
      `ok     rights       ${host}: user default has the rights of producer, worker, operator`,
    ]) {
      expect(stdout.split('\n')).toContain(line)
    }
    // How long the way to the server is, the machine decides.
    expect(stdout).toMatch(/^(ok|note) +latency.*\n/m)
    expect(stdout).toMatch(/^0 wrong, (2 to note, 6|3 to note, 5) ok\.$/m)
    expect(stdout).toMatch(/^note +clients +.*an ioredis client or Cluster of your own sends again what was not answered/m)
    const called = [...(await redis.info('commandstats')).matchAll(/^cmdstat_([a-z_|]+):calls=[1-9]/gm)].map((found) => found[1] as string)
    const reads = ['info', 'time', 'fcall_ro', 'config|get', 'multi', 'discard', 'subscribe', 'client|setinfo', 'hello']
    // What `layout` looks at.
    reads.push('exists', 'hget', 'hmget', 'zcard')
    expect(called.filter((command) => ![...reads, 'config|resetstat'].includes(command))).toEqual([])
    expect(await redis.dbsize()).toBe(0)
  })

  it.skipIf(!findRedisCli())('finds a library that is missing or older, and nothing wrong with a newer one', async () => {
    await redis.function('FLUSH')
    await expectMended('library', 'binding functions; the library is not loaded')
    await redis.function('LOAD', 'REPLACE', assemble({ version: '0.0.9' }).library)
    await expectMended('library', `binding functions; the library is 0.0.9, older than ${SOURCE.version}`)
    await redis.function('LOAD', 'REPLACE', assemble({ version: '10.0.0' }).library)
    expect(await examine(server.url)).toContainEqual({
      check: 'library',
      level: 'ok',
      nodes: [host],
      text: `binding functions; the library is 10.0.0, newer than ${SOURCE.version}, which this command has`,
      mend: [],
    })
  })

  it('doctor needs no Functions', async () => {
    const old = await another(...SOUND, ...['FCALL', 'FCALL_RO', 'FUNCTION'].flatMap((name) => ['--rename-command', name, '']))
    const findings = await examine(old.url)
    expect(wrongIn(findings)).toEqual([])
    expect(findings.find(({ check }) => check === 'library')?.text).toBe(
      'binding scripts: this server has no Functions, clients load what they need',
    )
  })

  it.skipIf(!findRedisCli())('finds what a restart would lose', async () => {
    await redis.config('SET', 'appendonly', 'no')
    await expectMended('persistence', 'no append-only file: a restart or a crash loses everything')
    await redis.config('SET', 'appendonly', 'no')
    await redis.config('SET', 'save', '3600 1')
    await expectMended('persistence', 'no append-only file: a restart or a crash loses what came since the last snapshot, if there is one')
    await redis.config('SET', 'save', '')
    await redis.config('SET', 'appendfsync', 'no')
    await expectMended('persistence', 'append-only file, written through when the system likes: a power failure can lose half a minute')
  })

  it('doctor finds a snapshot that failed', async () => {
    const broken = await another(...SOUND, '--save', '3600 1')
    await broken.redis.function('LOAD', SOURCE.library)
    await rm(broken.folder, { recursive: true })
    await broken.redis.call('BGSAVE')
    await eventually(async () => (await broken.redis.info('persistence')).includes('rdb_last_bgsave_status:err'))
    expect(wrongIn(await examine(broken.url))).toMatchObject([
      { check: 'persistence', text: 'the last snapshot failed: Redis may refuse messages' },
    ])
  })

  it.skipIf(!findRedisCli())('finds a policy that deletes conversations', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await expectMended('memory', 'maxmemory-policy is allkeys-lru: conversations can be deleted')
  })

  it('doctor finds that there is no bound of memory, and that it is nearly reached', async () => {
    await redis.config('SET', 'maxmemory', 0)
    expect((await examine(server.url)).filter(({ check }) => check === 'memory')).toMatchObject([
      { level: 'note', text: /^no maxmemory/, mend: [`redis-cli --askpass -h 127.0.0.1 -p ${server.port} CONFIG SET maxmemory <bytes>`] },
    ])
    const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
    await redis.config('SET', 'maxmemory', used + 50_000)
    expect(wrongIn(await examine(server.url))).toMatchObject([{ check: 'memory', text: /^9\d % of maxmemory is used/ }])
    await redis.config('SET', 'maxmemory', '200mb')
  })

  it('doctor asks the replicas of a server as well', async () => {
    const replica = await another(...SOUND, '--replicaof', '127.0.0.1', String(server.port))
    await eventually(async () => (await replica.redis.info('replication')).includes('master_link_status:up'))
    const findings = await examine(server.url)
    expect(wrongIn(findings)).toEqual([])
    expect(findings).toContainEqual(expect.objectContaining({ check: 'library', level: 'ok', nodes: [host, replica.host] }))
    expect(findings.filter(({ check }) => check === 'replication')).toMatchObject([
      { level: 'ok', nodes: [host], text: expect.stringMatching(`^its replica ${replica.host} is online, \\d+ bytes? behind$`) },
      { level: 'ok', nodes: [replica.host], text: `follows ${host}` },
    ])
    expect(findings.find(({ check }) => check === 'clock')).toMatchObject({ level: 'ok', nodes: [host, replica.host] })

    await replica.redis.config('SET', 'replica-read-only', 'no')
    await replica.redis.function('LOAD', 'REPLACE', assemble({ version: '0.0.9' }).library)
    await replica.redis.config('SET', 'appendonly', 'no')
    expect(wrongIn(await examine(server.url))).toMatchObject([
      { check: 'library', nodes: [replica.host], text: /is 0\.0\.9, older/ },
      { check: 'persistence', nodes: [replica.host] },
    ])
  })

  it('doctor finds a replica that has not come so far, and one that has lost its primary', async () => {
    await redis.config('SET', 'repl-diskless-sync-delay', 600)
    const replica = await another(...SOUND, '--replicaof', '127.0.0.1', String(server.port))
    await eventually(async () => (await redis.info('replication')).includes('state=wait_bgsave'))
    expect(wrongIn(await examine(server.url))).toMatchObject([
      { check: 'library', nodes: [replica.host] },
      { check: 'replication', nodes: [host], text: `its replica ${replica.host} is in the state wait_bgsave` },
      { check: 'replication', nodes: [replica.host], text: /^the link to its primary .* is down/ },
    ])
    await redis.config('SET', 'repl-diskless-sync-delay', 0)
    const lost = await another(...SOUND)
    await lost.redis.function('LOAD', SOURCE.library)
    await lost.redis.replicaof('127.0.0.1', 1)
    const findings = await examine(lost.url)
    expect(wrongIn(findings)).toMatchObject([
      {
        check: 'replication',
        text: 'the link to its primary 127.0.0.1:1 is down: a failover to it loses what came since',
        mend: [expect.stringContaining(`make it reachable from ${lost.host}`)],
      },
      { check: 'replication', text: 'it is a replica and takes no messages' },
    ])
    expect(findings[0]).toMatchObject({ check: 'server', level: 'note', nodes: ['127.0.0.1:1'], text: /cannot be reached: .*ECONNREFUSED/ })
  })

  it.skipIf(!findRedisCli())('finds the rights that a user lacks', async () => {
    await redis.call('ACL', 'SETUSER', 'bot', 'on', '>secret', '~*', '&*', '+@all', '-zrangebyscore', '-publish')
    onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', 'bot')))
    const url = urlOf(server.url, 'bot')
    expect(wrongIn(await examine(url)).map(({ text }) => text)).toEqual([
      'user bot lacks rights of a producer: +publish',
      'user bot lacks rights of a worker: +publish +zrangebyscore',
      'user bot lacks rights of an operator: +publish',
    ])
    await expectMended('rights', 'user bot lacks rights of a worker: +publish +zrangebyscore', url, '--role', 'worker')
    await redis.call('ACL', 'SETUSER', 'bot', '-function|load', '-scan', '-fcall_ro')
    expect((await examine(url)).filter(({ level }) => level !== 'ok')).toMatchObject([
      { check: 'library', level: 'note', text: /^binding functions; the version of the library cannot be asked: NOPERM/ },
      { check: 'replication', level: 'note' },
      { check: 'rights', level: 'wrong' },
      { check: 'rights', level: 'wrong' },
      { check: 'rights', level: 'wrong', text: 'user bot lacks rights of an operator: +fcall_ro +function|load +scan' },
      { check: 'clients', level: 'note' },
    ])
    await redis.call('ACL', 'SETUSER', 'bot', '+fcall_ro')
    expect((await examine(url)).filter(({ check }) => check === 'rights')).toMatchObject([
      { level: 'ok', text: 'user bot has the rights of producer, worker' },
      { level: 'note', text: 'user bot lacks rights of an operator: +function|load +scan' },
    ])
    await redis.call('ACL', 'SETUSER', 'bot', 'resetkeys', 'resetchannels', '~other:*')
    await expectMended('rights', 'user bot lacks rights of a producer: ~rapid-fire:* &rapid-fire:*', url, '--role', 'producer')
    await redis.call('ACL', 'SETUSER', 'bot', '-multi')
    expect((await examine(url)).filter(({ check }) => check === 'rights')).toEqual([
      {
        check: 'rights',
        level: 'note',
        nodes: [host],
        text: 'what user bot may do cannot be told',
        mend: [`redis-cli --askpass -h 127.0.0.1 -p ${server.port} ACL SETUSER bot +multi +discard`],
      },
    ])
  })

  it('doctor finds clocks that differ and a long way to the server, by what was read', async () => {
    const facts = await readFacts(redis, 'rapid-fire:{default}')
    const [node] = facts.nodes as [(typeof facts.nodes)[0]]
    const expected = { version: SOURCE.version, role: undefined, roots: [] }
    const judged = (clock: { ahead: number; within: number }, roundTrips = node.roundTrips) =>
      judge(
        {
          ...facts,
          nodes: [
            { ...node, clock: { ahead: 0, within: 0.1 } },
            { ...node, address: 'far:1', clock, roundTrips },
          ],
        },
        expected,
      )
    expect(Math.abs(node.clock.ahead)).toBeLessThan(node.clock.within + 1000)
    expect(judged({ ahead: -1500, within: 0.1 }).filter(({ check }) => check === 'clock')).toEqual([
      {
        check: 'clock',
        level: 'wrong',
        nodes: ['far:1', host],
        text: `the clock of ${host} is 1500 ms ahead of far:1: at a failover deadlines and leases move by that`,
        mend: ['timedatectl set-ntp true'],
      },
    ])
    expect(judged({ ahead: 1500, within: 600 }).find(({ check }) => check === 'clock')).toMatchObject({ level: 'ok' })
    expect(judged({ ahead: 0, within: 1 }, [1, 21, 90]).filter(({ check }) => check === 'latency')).toMatchObject([
      { level: 'ok', nodes: [host] },
      { level: 'note', nodes: ['far:1'], text: 'a round trip takes 21.0 ms, the longest of 3 took 90.0 ms: each call waits for it' },
    ])
  })

  it('doctor prints commands that do as they stand: with a password, without one, by TLS, and whatever a server says that it is called', async () => {
    const facts = await readFacts(redis, 'rapid-fire:{default}')
    const [node] = facts.nodes as [(typeof facts.nodes)[0]]
    const info = new Map([...node.info, ['maxmemory_policy', 'allkeys-lru']])
    const printed = (access: typeof facts.access, address = host) =>
      judge({ ...facts, access, nodes: [{ ...node, address, info, version: undefined }] }, { version: '1.0.0', role: undefined, roots: [] })
        .filter(({ level }) => level === 'wrong')
        .flatMap(({ mend }) => mend)
    const at = `-h 127.0.0.1 -p ${server.port} CONFIG SET maxmemory-policy noeviction`
    expect(facts.access).toEqual({ password: true, tls: false })
    expect(printed({ password: false, tls: false })).toEqual([`npx rapidfire load --redis redis://${host}`, `redis-cli ${at}`])
    expect(printed({ password: true, tls: true })).toEqual(['npx rapidfire load', `redis-cli --tls --askpass ${at}`])
    expect(printed({ password: false, tls: false }, "a';b:1")).toEqual([
      `npx rapidfire load --redis 'redis://a'\\'';b:1'`,
      `redis-cli -h 'a'\\'';b' -p 1 CONFIG SET maxmemory-policy noeviction`,
    ])
  })

  it('doctor finds roots of a queue that disagree on the partitions, and says nothing of a queue without partitions', async () => {
    onTestFinished(async () => void (await redis.flushall()))
    await using client = new RapidFire({ redis: server.url, queue: 'salon' })
    const partitions = async () => (await examine(server.url, '--queue', 'salon')).filter(({ check }) => check === 'partitions')
    await client.addMessage('ann', 1)
    expect(await partitions()).toEqual([])
    await client.policy({ partitions: 2, wait: 3000 })
    await client.addMessage('bob', 1)
    expect(await partitions()).toMatchObject([{ level: 'ok', text: 'partitions 0 to 1 serve, and all 3 roots agree on it' }])
    await redis.del('rapid-fire:{salon}')
    await setBy(redis, 'rapid-fire:{salon:0}', { wait: 4000 })
    const found = await partitions()
    expect(found.map(({ level, nodes, text }) => [level, nodes, text])).toEqual([
      ['wrong', ['rapid-fire:{salon}'], expect.stringContaining('the last that it knows is number 0, rapid-fire:{salon:0} knows 1')],
      ['wrong', ['rapid-fire:{salon}'], expect.stringContaining('it takes messages of new conversations')],
    ])
    const [mend] = found.flatMap((each) => each.mend)
    expect(mend).toBe('npx rapidfire check --repair --queue salon')
    await rapidfire(['check', '--repair', '--queue', 'salon'], { REDIS_URL: server.url })
    expect(await partitions()).toMatchObject([{ level: 'ok' }])
    await setBy(redis, 'rapid-fire:{salon}', { wait: 7000 })
    await redis.hset('rapid-fire:{salon}', 'given:wait', '7000 a.js@h1,1000 b.js@h2')
    expect((await partitions()).map(({ level, text, mend }) => [level, text, mend[0]])).toEqual([
      [
        'note',
        'wait is set to 1000 by b.js on h2 and to 7000 by a.js on h1: each start undoes the other',
        'give both programs the same value',
      ],
      ...[0, 1].map(() => ['wrong', 'wait is 4000 here and 7000 in the root of the queue', mend]),
    ])
  })

  it('doctor says that a server cannot be reached, or that it is asked wrongly', async () => {
    const gone = await rapidfire(['doctor', '--redis', 'redis://127.0.0.1:1'])
    expect(gone).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^rapidfire: Redis at 127.0.0.1:1 cannot be reached/) })
    expect(await rapidfire(['doctor', '--redis', 'nonsense'])).toMatchObject({ code: 2, stdout: '' })
    expect(await rapidfire(['doctor', '--role', 'king', '--redis', server.url])).toMatchObject({ code: 2, stdout: '' })
  })
})
