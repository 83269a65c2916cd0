import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually, start } from '../cli/processes.ts'
import { lacksServer } from '../client/clients.ts'
import { TestCluster } from '../support/cluster.ts'
import { rapidfire } from '../support/shell.ts'

describe.skipIf(lacksServer('the commands on a cluster'))('the commands on a cluster', () => {
  it('serve and work, and those that look at the queue, cover all partitions', async () => {
    const cluster = await TestCluster.start({ replicas: 0 })
    onTestFinished(() => cluster.stop())
    const env = { REDIS_URL: cluster.nodes[0]?.server.url as string, RAPIDFIRE_QUEUE: 'salon', RAPIDFIRE_CLUSTER: '1' }
    const changed = await rapidfire(['policy', 'partitions=8', 'wait=50', '--json'], env)
    expect({ code: changed.code, policy: JSON.parse(changed.stdout) }).toMatchObject({ code: 0, policy: { partitions: 8, wait: 50 } })

    const serve = await start(['serve', '--port', '0', '--unsigned', 'generic'], env).ready()
    const work = await start(['work', '--to', 'stream:out'], env).ready()
    const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)
    for (const key of keys) {
      const body = JSON.stringify({ key, id: key, data: { text: 'Hi' } })
      const path = `http://127.0.0.1:${port}/webhook/whatsapp/batched`
      expect((await fetch(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status).toBe(200)
    }
    const stats = async () => JSON.parse((await rapidfire(['stats', '--json'], env)).stdout)
    await eventually(async () => (await stats()).totals.completed === 20)
    expect(await stats()).toMatchObject({ queue: 'salon', partitions: 8, messages: 0, totals: { added: 20 } })
    expect(await rapidfire(['check'], env)).toMatchObject({ code: 0, stdout: expect.stringContaining('all laws hold') })
    expect((await rapidfire(['dead', 'list'], env)).stdout).toContain('No dead batches')
    expect([await serve.stop(), await work.stop()]).toEqual([0, 0])
  }, 60_000)

  it('work hands nothing to BullMQ there', async () => {
    expect(await rapidfire(['work', '--cluster', '--to', 'bullmq:out'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no cluster'),
    })
  })
})
