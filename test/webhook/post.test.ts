import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { transform } from 'esbuild'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { blocksOf, read } from '../docs/blocks.ts'
import { useQueue } from './webhook.ts'

const queue = useQueue()
const SECRET = 'of our senders'

beforeAll(() => {
  vi.stubEnv('RAPIDFIRE_SENDER_SECRET', SECRET)
  return () => vi.unstubAllEnvs()
})

type Post = (message: { from: string }) => Promise<void>

/** `post` of src/webhook/README.md, sending to a server of ours, with a second that takes as many ms. */
async function sender(listener: RequestListener, second = 1000): Promise<Post> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-post-'))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })
  const { port } = server.address() as { port: number }
  const block = blocksOf(read('src/webhook/README.md')).find(({ text }) => text.startsWith('// post.ts\n'))?.text as string
  expect(block).toContain('pause * 1000')
  const text = block.replace('127.0.0.1:3000', `127.0.0.1:${port}`).replace('pause * 1000', `pause * ${second}`)
  const file = join(folder, 'post.mjs')
  await writeFile(file, (await transform(text, { loader: 'ts', target: 'node20' })).code)
  return ((await import(/* @vite-ignore */ pathToFileURL(file).href)) as { post: Post }).post
}

const message = (n: number, from = 'ann@c.us') => ({ from, id: `${from}-${n}`, type: 'chat', body: String(n) })
const stored = async (chat = 'ann@c.us') => (await queue.data(`whatsapp-web::${chat}`)).map(({ text }) => Number(text))
const UP_TO_14 = Array.from({ length: 14 }, (_, n) => n + 1)

describe('post.ts of src/webhook/README.md', () => {
  it('stores 14 messages 100 ms apart in order when 5 in a burst pass, and does not hold back another conversation', async () => {
    const webhook = queue.webhook({ senderSecret: SECRET, redis: queue.redis, rateLimit: { perConversation: { points: 5, duration: 1 } } })
    const post = await sender(getRequestListener(webhook))
    const sent = []
    for (const n of UP_TO_14) {
      sent.push(post(message(n)))
      await sleep(100)
    }
    await post(message(1, 'bob@c.us'))
    expect((await stored()).length).toBeLessThan(14)
    await Promise.all(sent)
    expect([await stored(), await stored('bob@c.us')]).toEqual([UP_TO_14, [1]])
  })

  it('stores them in order whatever happens to single requests, one at a time', async () => {
    const webhook = getRequestListener(queue.webhook({ senderSecret: SECRET }))
    let requests = 0
    let open = 0
    const unhappy: RequestListener = (request, response) => {
      open += 1
      expect(open).toBe(1)
      response.once('close', () => {
        open -= 1
      })
      requests += 1
      const fate = requests % 5
      if (fate === 0) return void webhook(request, response)
      request.resume().once('end', () => {
        if (fate === 1) request.socket.destroy()
        else if (fate === 2) response.writeHead(503, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }).end()
        else response.writeHead(fate === 3 ? 429 : 500, { 'retry-after': '1' }).end('later')
      })
    }
    const post = await sender(unhappy, 1)
    await Promise.all(UP_TO_14.map((n) => post(message(n))))
    expect(await stored()).toEqual(UP_TO_14)
    expect(requests).toBeGreaterThanOrEqual(5 * 14)
  })

  it('goes on after a message that is refused for good, and says so', async () => {
    const post = await sender(getRequestListener(queue.webhook({ senderSecret: SECRET, maxBytes: 200 })))
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => error.mockRestore())
    const sent = [message(1), { ...message(2), body: 'x'.repeat(300) }, message(3)].map(post)
    await Promise.all(sent)
    expect(await stored()).toEqual([1, 3])
    expect(error.mock.calls).toEqual([[expect.objectContaining({ message: expect.stringMatching(/^refused: .*BODY_TOO_LARGE/) })]])
  })
})
