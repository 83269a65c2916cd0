import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { getRequestListener, serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Webhook } from '../../src/webhook/index.ts'
import * as given from './fixtures.ts'
import { read, sign, useQueue } from './webhook.ts'

const PATH = '/webhook/whatsapp/batched'
const queue = useQueue()

interface Running {
  url: string
  close(): Promise<unknown>
}

const listening = async (server: Server): Promise<Running> => {
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** The same webhook in four servers, beside something else that each of them serves. */
const SERVERS: [string, (webhook: Webhook) => Promise<Running>][] = [
  ['Node http', (webhook) => listening(createServer(getRequestListener(webhook)).listen(0, '127.0.0.1'))],
  [
    'Hono',
    (webhook) => {
      const app = new Hono()
      app.all(`${PATH}/*`, (context) => webhook(context.req.raw))
      return listening(serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server)
    },
  ],
  [
    'Express 5',
    (webhook) => {
      const app = express()
      // Before express.json(), which would take the bytes that the signature is made of.
      app.all([PATH, `${PATH}/*rest`], getRequestListener(webhook))
      // Behind a mount it sees what comes after that.
      const mounted: Webhook = (request) => queue.webhook({ path: '/' })(request)
      app.use('/api/whatsapp', getRequestListener(mounted))
      app.use(express.json())
      app.post('/other', (request, response) => void response.json(request.body))
      return listening(app.listen(0, '127.0.0.1'))
    },
  ],
  [
    'Fastify 5',
    async (webhook) => {
      const app = fastify()
      const listener = getRequestListener(webhook)
      app.register(async (scope) => {
        // The webhook reads the body itself, since the signature is made of its bytes.
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
        for (const url of [PATH, `${PATH}/*`]) {
          scope.all(url, (request, reply) => {
            reply.hijack()
            return listener(request.raw, reply.raw)
          })
        }
      })
      await app.listen({ host: '127.0.0.1', port: 0 })
      const running = await listening(app.server)
      return { ...running, close: () => Promise.all([running.close(), app.close()]) }
    },
  ],
]

describe.each(SERVERS)('%s', (name, start) => {
  let server: Running
  beforeAll(async () => {
    const webhook: Webhook = (request) =>
      queue.webhook({ appSecret: 'app secret', verifyToken: 'verify me', statsToken: 'for operators', maxBytes: 200_000 })(request)
    server = await start(webhook)
  })
  afterAll(() => server.close())

  const send = (body: string | Uint8Array | ReadableStream, headers: Record<string, string> = {}) =>
    fetch(server.url + PATH, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/json', ...headers },
    } as RequestInit)

  const body = JSON.stringify(given.cloudPayload(given.cloudValue([1, 0].map((n) => given.cloudText(n)))), null, 2)

  it('stores signed messages', async () => {
    const answer = await read(await send(body, { 'x-hub-signature-256': sign(body) }))
    expect([answer.status, answer.type, answer.body]).toEqual([200, 'application/json', { added: 2, duplicates: 0 }])
    expect((await queue.data('whatsapp:106540352242922:79001234567')).map(({ text }) => text)).toEqual(given.TEXTS.slice(0, 2))
  })

  it('takes a body in chunks, without its length', async () => {
    const bytes = Buffer.from(body)
    const chunks = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, n) => bytes.subarray(n * 100, n * 100 + 100))
    const answer = await read(await send(ReadableStream.from(chunks) as ReadableStream, { 'x-hub-signature-256': sign(body) }))
    expect(answer.body).toEqual({ added: 2, duplicates: 0 })
  })

  it('refuses what is not signed, is no JSON, or is called wrongly', async () => {
    expect((await send(body)).status).toBe(401)
    expect((await send(body, { 'x-hub-signature-256': sign(body, 'wrong') })).status).toBe(401)
    const refused = await read(await send('{', { 'x-hub-signature-256': sign('{') }))
    expect([refused.status, refused.type, refused.body.code]).toEqual([400, 'application/problem+json', 'BAD_JSON'])
    expect((await send('', { 'x-hub-signature-256': sign('') })).status).toBe(400)
    const wrong = await fetch(server.url + PATH, { method: 'PUT', body })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, POST'])
    expect((await fetch(`${server.url}${PATH}/unknown`)).status).toBe(404)
    expect((await fetch(`${server.url}/`)).status).toBe(404)
    expect(await queue.keys()).toEqual([])
  })

  it('answers verification and statistics', async () => {
    const verified = await fetch(`${server.url}${PATH}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify+me`)
    expect([verified.status, await verified.text()]).toEqual([200, '1158201444'])
    expect((await fetch(`${server.url}${PATH}?hub.mode=subscribe&hub.challenge=1`)).status).toBe(403)
    expect((await fetch(`${server.url}${PATH}/stats`)).status).toBe(401)
    const stats = await fetch(`${server.url}${PATH}/stats`, { headers: { authorization: 'Bearer for operators' } })
    expect([stats.status, ((await stats.json()) as any).queue]).toEqual([200, 'whatsapp'])
  })

  it('answers 413 to a sender that is still sending, and serves the next one', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(server.url + PATH, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json', 'x-hub-signature-256': sign('') } },
      })
      request.on('response', (response) => {
        resolve(response.statusCode)
        request.destroy()
      })
      request.on('error', reject)
      // Never ended: only the limit can bring the answer.
      for (let n = 0; n < 5; n += 1) request.write(Buffer.alloc(65_536, 'x'))
    })
    expect(status).toBe(413)
    const announced = await read(await send('x'.repeat(200_001), { 'x-hub-signature-256': sign('') }))
    expect([announced.status, announced.body.code]).toEqual([413, 'BODY_TOO_LARGE'])
    expect((await send(body, { 'x-hub-signature-256': sign(body) })).status).toBe(200)
  })

  it('outlives a sender that goes away in the middle', async () => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    await new Promise((resolve) => socket.once('connect', resolve))
    const head = `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\nx-hub-signature-256: ${sign('')}\r\n\r\n`
    await new Promise((resolve) => socket.write(`${head}{"object":`, resolve))
    socket.resetAndDestroy()
    expect((await send(body, { 'x-hub-signature-256': sign(body) })).status).toBe(200)
  })

  if (name === 'Express 5') {
    it('serves it behind a mount', async () => {
      const posted = await fetch(`${server.url}/api/whatsapp`, {
        method: 'POST',
        body: JSON.stringify({ key: 'ann', id: '1', data: { text: 'Hi' } }),
        headers: { 'content-type': 'application/json' },
      })
      expect([posted.status, await queue.data('ann')]).toEqual([200, [{ text: 'Hi' }]])
      expect((await fetch(`${server.url}/api/whatsapp/stats`)).status).toBe(200)
      expect((await fetch(`${server.url}/api/whatsapp/unknown`)).status).toBe(404)
    })

    it('leaves the rest of the application as it is', async () => {
      const response = await fetch(`${server.url}/other`, {
        method: 'POST',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json' },
      })
      expect(await response.json()).toEqual({ a: 1 })
    })
  }
})

it('tells it when something in front has read the body', async () => {
  const app = express()
  app.use(express.json())
  app.use(getRequestListener(queue.webhook()))
  const server = await listening(app.listen(0, '127.0.0.1'))
  try {
    const headers = { 'content-type': 'application/json' }
    const answer = await read(await fetch(server.url + PATH, { method: 'POST', body: JSON.stringify(given.venomText(0)), headers }))
    expect([answer.status, answer.body.code]).toEqual([400, 'BODY_UNREADABLE'])
  } finally {
    await server.close()
  }
})
