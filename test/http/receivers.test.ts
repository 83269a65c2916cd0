import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { toHttp } from '../../src/http/index.ts'
import { ended } from '../support/redis.ts'
import { endReceivers, SECRET, startReceiver } from './receiver.ts'

const ROOM = new URL('../../src/http/receivers/', import.meta.url)
const OTHER = `whsec_${Buffer.alloc(32, 2).toString('base64')}`

afterEach(endReceivers)

const BATCH = {
  id: '1790000000000-17',
  root: 'rapid-fire:{salon}',
  key: 'ann',
  attempt: 1,
  reason: 'wait',
  openedAt: 1,
  deadline: 2,
  messages: [{ id: 'm1', data: { text: 'Запишите меня' }, receivedAt: 1 }],
} as unknown as Batch
const CONTEXT = {
  signal: new AbortController().signal,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  extend: () => undefined as never,
}

/** What a receiver of ours is sent, to be sent to another, changed or not. */
async function signed(secret: string | string[]) {
  const receiver = await startReceiver()
  await toHttp(receiver.url, { secret })(BATCH, CONTEXT)
  const [{ headers, body } = expect.unreachable()] = receiver.got
  const own = Object.fromEntries(Object.entries(headers).filter(([name]) => /^(webhook-|content-type$)/.test(name)))
  return { headers: own, body }
}

/** Requests that must be refused. */
async function forged() {
  const { headers, body } = await signed(SECRET)
  const old = new Webhook(SECRET).sign(BATCH.id, new Date(Date.now() - 400_000), body)
  return [
    { headers, body: body.replace('m1', 'm2') },
    { headers: { ...headers, 'webhook-id': '1790000000000-18' }, body },
    { headers: { ...headers, 'webhook-signature': headers['webhook-signature']?.replace('v1,', 'v2,') as string }, body },
    { headers: { ...headers, 'webhook-signature': '' }, body },
    { headers: { ...headers, 'webhook-signature': 'v1,¡' }, body },
    { headers: { ...headers, 'webhook-timestamp': '²' }, body },
    { headers: { ...headers, 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 400), 'webhook-signature': old }, body },
    { headers: { 'content-type': 'application/json' }, body },
    await signed(OTHER),
  ]
}

describe('the receiver in Python', () => {
  it('answers what is signed, also by an old secret beside the new one, twice the same, and refuses all else', async () => {
    const env = { ...process.env, RAPIDFIRE_RECEIVER_SECRET: SECRET }
    const python = spawn('python3', [fileURLToPath(new URL('receiver.py', ROOM)), '0'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => ended(python, 'SIGKILL'))
    let said = ''
    python.stderr.on('data', (text) => (said += text))
    const [line] = await Promise.race([once(python.stdout, 'data'), once(python, 'exit').then(() => expect.unreachable(said))])
    const url = `http://127.0.0.1:${/^listening on (\d+)/.exec(String(line))?.[1]}/batches`

    for (const secret of [SECRET, [OTHER, SECRET]]) {
      expect(await toHttp(url, { secret })(BATCH, CONTEXT)).toEqual({ reply: 'You said: Запишите меня' })
    }
    await expect(toHttp(url, { secret: OTHER })(BATCH, CONTEXT)).rejects.toMatchObject({ name: 'GiveUp' })
    for (const { headers, body } of await forged()) expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(401)
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 413 /)
  })
})

describe('the workflow of n8n', () => {
  const workflow = JSON.parse(readFileSync(new URL('n8n.json', ROOM), 'utf8'))
  const named = (name: string) => workflow.nodes.find((node: { name: string }) => node.name === name)

  it('has what n8n imports: nodes of known types, each with an id, a name and a place, and ways between them', () => {
    const VERSIONS: Record<string, number> = { webhook: 2, code: 2, if: 2.2, respondToWebhook: 1.1 }
    for (const node of workflow.nodes) {
      expect(node).toEqual(
        expect.objectContaining({
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          name: expect.any(String),
          position: [expect.any(Number), expect.any(Number)],
          parameters: expect.any(Object),
        }),
      )
      expect(VERSIONS[node.type.replace('n8n-nodes-base.', '')]).toBe(node.typeVersion)
    }
    for (const member of ['id', 'name'] as const)
      expect(new Set(workflow.nodes.map((node: any) => node[member])).size).toBe(workflow.nodes.length)
    const reached = new Set(['A batch'])
    for (const name of reached) {
      for (const { node, type, index } of (workflow.connections[name]?.main ?? []).flat()) {
        expect([named(node)?.name, type, index]).toEqual([node, 'main', 0])
        reached.add(node)
      }
    }
    expect([...reached].sort()).toEqual(workflow.nodes.map(({ name }: { name: string }) => name).sort())
    expect(named('A batch').parameters).toMatchObject({ httpMethod: 'POST', responseMode: 'responseNode', options: { rawBody: true } })
    // Both ends answer, the first way out of the question is yes.
    expect(workflow.connections['Trusted?'].main.map(([{ node }]: [{ node: string }]) => node)).toEqual(['Your bot', 'Refused'])
    expect(named('Refused').parameters.options.responseCode).toBe(401)
  })

  /** Runs a Code node as n8n does: as the body of a function. */
  async function code(name: string, json: unknown, binary?: string): Promise<any> {
    const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<any>
    const body = new AsyncFunction('$input', '$env', 'require', named(name).parameters.jsCode)
    const helpers = { getBinaryDataBuffer: async () => Buffer.from(binary ?? '') }
    const [item] = await body.call(
      { helpers },
      { first: () => ({ json }) },
      { RAPIDFIRE_RECEIVER_SECRET: SECRET },
      createRequire(import.meta.url),
    )
    return item.json
  }

  it('trusts what is signed and answers it, and trusts nothing else', async () => {
    for (const secret of [SECRET, [OTHER, SECRET]]) {
      const { headers, body } = await signed(secret)
      const trusted = await code('Who has posted it', { headers }, body)
      expect(trusted).toEqual({ trusted: true, batch: JSON.parse(body) })
      expect(await code('Your bot', trusted)).toEqual({ reply: 'You said: Запишите меня' })
    }
    for (const { headers, body } of await forged()) {
      expect(await code('Who has posted it', { headers }, body)).toEqual({ trusted: false, batch: null })
    }
  })
})
