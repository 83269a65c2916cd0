import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually, start } from '../cli/processes.ts'
import { useRedis } from '../support/redis.ts'
import { URL as PLACE, read, sign, useQueue } from '../webhook/webhook.ts'

/** Somebody who has no secret, and many connections. */
const queue = useQueue()
const SIGNED = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
const KIB = 1024

/** A body that comes in pieces, when it is told to. */
function slowly() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (isCancelled = true),
  })
  const request = new Request(PLACE, { method: 'POST', body, headers: SIGNED, duplex: 'half' } as RequestInit)
  return {
    request,
    send: (bytes: number) => controller?.enqueue(new Uint8Array(bytes)),
    end: () => controller?.close(),
    get isCancelled() {
      return isCancelled
    },
  }
}

const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } })

describe('a body', () => {
  it('that does not end is answered 408, and read no further', async () => {
    const body = slowly()
    const answer = queue.webhook({ senderSecret: 's', bodyTimeout: 50 })(body.request)
    body.send(10)
    const { status, body: problem } = await read(await answer)
    expect([status, problem.code, body.isCancelled]).toEqual([408, 'BODY_TOO_SLOW', true])
  })

  it('is counted as it comes, whatever it has announced', async () => {
    const body = slowly()
    const request = new Request(body.request, { headers: { ...SIGNED, 'content-length': String(70 * KIB) } } as RequestInit)
    const answer = queue.webhook({ senderSecret: 's', maxBytes: 100 * KIB })(request)
    body.send(101 * KIB)
    expect((await read(await answer)).body.code).toBe('BODY_TOO_LARGE')
    await expect.poll(() => body.isCancelled).toBe(true)
  })

  it('that comes slowest is dropped when all together have used up what there is', async () => {
    const webhook = queue.webhook({ senderSecret: 's', maxBytes: 100 * KIB, maxBodyBytes: 200 * KIB, bodyTimeout: 600_000 })
    const [slow, ...others] = [slowly(), slowly(), slowly()]
    const answers = [slow, ...others].map((each, n) => webhook(each?.request as Request, from(`10.0.0.${n}`)))
    slow?.send(10 * KIB)
    for (const other of others) other.send(96 * KIB)
    expect((await read((await answers[0]) as Response)).body.code).toBe('BODY_TOO_SLOW')
    // The others have come, and are judged by their signatures.
    for (const other of others) other.end()
    for (const answer of answers.slice(1)) expect((await read(await answer)).body.code).toBe('BAD_SIGNATURE')
  })

  it('of one peer takes nothing from others', async () => {
    const webhook = queue.webhook({ senderSecret: 's', maxBytes: 100 * KIB, maxBodyBytes: 200 * KIB, bodyTimeout: 600_000 })
    const mine = slowly()
    const answer = webhook(mine.request, from('10.0.0.1'))
    mine.send(KIB)
    const theirs = [slowly(), slowly(), slowly()]
    const answers = theirs.map((each) => webhook(each.request, from('10.0.0.2')))
    for (const each of theirs) each.send(60 * KIB)
    await expect.poll(() => theirs.filter(({ isCancelled }) => isCancelled)).toHaveLength(2)
    mine.end()
    expect((await read(await answer)).body.code).toBe('BAD_SIGNATURE')
    for (const each of theirs) if (!each.isCancelled) each.end()
    expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([401, 408, 408])
  })
})

it('200 connections that hold back the end of large bodies cost serve little memory, and keep nobody out', async () => {
  const { url } = await useRedis()
  const serve = await start(['serve', '--port', '0'], { REDIS_URL: url, RAPIDFIRE_SENDER_SECRET: 's', RAPIDFIRE_QUEUE: 'bodies' }).ready()
  const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${serve.child.pid}/status`, 'utf8'))?.[1]) * KIB
  const before = memory()
  const sockets: Socket[] = []
  onTestFinished(() => void sockets.map((socket) => socket.destroy()))
  const size = 3_100_000
  const head = `POST /webhook/whatsapp/batched HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\nx-hub-signature-256: ${SIGNED['x-hub-signature-256']}\r\n\r\n`
  let closed = 0
  for (let n = 0; n < 200; n += 1) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.once('close', () => void (closed += 1))
    socket.resume()
    socket.write(head)
    socket.write(Buffer.alloc(size - 10, ' '))
    sockets.push(socket)
  }
  let most = 0
  await eventually(() => {
    most = Math.max(most, memory())
    return closed > 150
  }, 60_000)
  const body = JSON.stringify({ key: 'ann', id: '1', data: { text: 'Hi' } })
  const good = await fetch(`http://127.0.0.1:${port}/webhook/whatsapp/batched`, {
    method: 'POST',
    body,
    headers: { ...SIGNED, 'x-hub-signature-256': sign(body, 's') },
  })
  expect(good.status).toBe(200)
  const grown = most - before
  console.log(`200 bodies of ${size} bytes held back: ${Math.round(grown / 2 ** 20)} MiB more`)
  expect(grown).toBeLessThan(200 * 2 ** 20)
}, 120_000)
