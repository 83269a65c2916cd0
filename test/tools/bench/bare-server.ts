// What `rapidfire serve` is compared with: the same server, which reads each request and answers it without storing anything.
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { NewMessage } from '../../../src/index.ts'
import { createWebhook, type MessageQueue } from '../../../src/webhook/index.ts'

const nowhere = {
  queue: 'bench',
  addMessages: async (messages: readonly NewMessage<unknown>[]) => messages.map(() => ({ status: 'added', size: 1 })),
} as MessageQueue<unknown>

const listener = getRequestListener(createWebhook(nowhere, { rateLimit: false, unsigned: ['whatsapp'] }))
const server = createServer((request, response) => void listener(request, response))
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('ready'))
