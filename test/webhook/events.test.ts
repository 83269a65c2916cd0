import { EventEmitter } from 'node:events'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { WebhookEvents } from '../../src/events.ts'
import { post, source, useQueue } from './webhook.ts'

const queue = useQueue()
const SECRET = 'Запишите меня'
const message = (id: string) => ({ key: 'ann', id, data: { text: SECRET } })

/** A webhook with all that it has told. */
function start(options: Parameters<typeof queue.webhook>[0] = {}) {
  const told: unknown[] = []
  const events = new EventEmitter<WebhookEvents>()
  for (const name of ['stored', 'refused', 'error'] as const) events.on(name, (about: unknown) => told.push([name, about]))
  return { told, events, webhook: queue.webhook({ ...options, events }) }
}

it('a webhook tells of requests that it has stored: from which source, how many were new, and how many were there before', async () => {
  const { told, webhook } = start()
  await webhook(post([message('1'), message('2')]))
  await webhook(post([message('2'), message('3')]))
  expect(told).toEqual([
    ['stored', { source: 'generic', added: 2, duplicates: 0, changed: 0 }],
    ['stored', { source: 'generic', added: 1, duplicates: 1, changed: 0 }],
  ])
})

it('a webhook tells of requests that it has refused, and nothing of what was sent', async () => {
  const { told, webhook } = start({ appSecret: 'app secret' })
  await webhook(post(message('1')))
  await webhook(new Request('http://localhost/elsewhere'))
  expect(told).toEqual([
    ['refused', { status: 401, code: 'BAD_SIGNATURE', why: expect.stringContaining('the proof of its source') }],
    ['refused', { status: 404, code: 'NOT_FOUND', why: expect.stringContaining('/webhook/whatsapp/batched') }],
  ])
})

it('a webhook tells why it cannot answer', async () => {
  const { told, webhook } = start({
    sources: [
      source(() => {
        throw 'no error'
      }),
    ],
  })
  expect((await webhook(post(message('1')))).status).toBe(500)
  expect(told).toEqual([['error', new Error('no error')]])
})

it('a webhook answers as ever when a listener throws, or when nobody listens to errors', async () => {
  const warnings: unknown[] = []
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning))
  onTestFinished(() => warn.mockRestore())
  const thrown = new Error('a listener')
  const events = new EventEmitter<WebhookEvents>().on('stored', () => {
    throw thrown
  })
  expect((await queue.webhook({ events })(post(message('1')))).status).toBe(200)
  expect(warnings).toEqual([thrown])
  const broken = () => {
    throw new Error('a source')
  }
  expect((await queue.webhook({ events, sources: [source(broken)] })(post(message('1')))).status).toBe(500)
  expect(warnings).toHaveLength(1)
})
