import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { ended, freePort } from '../../../../cli/demo/private-redis.ts'
import { built } from '../agents.ts'
import type { Bench } from '../bench.ts'
import type { Measure, Row } from '../rounds.ts'

const CLI = fileURLToPath(new URL('../../../../dist/cli/main.js', import.meta.url))
const PATH = '/webhook/whatsapp/batched'
const SERVE = ['serve', '--queue', 'bench', '--unsigned', 'whatsapp', '--log-level', 'error']
const CONNECTIONS = 50
const STEADY = 500
const KEYS = 20_000

export function webhookMeasure({ redis, url, scale }: Bench): Measure {
  const row = (name: string, program: (port: number) => [string, string[]]): Row => ({
    name,
    open: async () => {
      const port = await freePort()
      const server = await started(...program(port))
      const load = { url: `http://127.0.0.1:${port}`, duration: scale.seconds.posted }
      return {
        round: async () => {
          await redis.flushall()
          const flat = await post({ ...load, connections: CONNECTIONS })
          const steady = await post({ ...load, connections: 10, overallRate: STEADY })
          return { rate: flat.requests.total / flat.duration, p99: flat.latency.p99, steady: steady.latency.p99 }
        },
        close: () => ended(server, 'SIGKILL'),
      }
    },
  })
  const serve = (limit: number) => (port: number) =>
    [CLI, [...SERVE, '--redis', url, '--port', `${port}`, '--rate-limit', `${limit}`]] as [string, string[]]
  return {
    title: `Webhook: posts of the WhatsApp Cloud API, one message each, from ${CONNECTIONS} connections, and ${STEADY} a second from 10`,
    columns: [
      { name: 'rate', title: 'requests/s', digits: 0, spread: true },
      { name: 'ratio', title: '× without storing', digits: 2, ratioOf: 'rate', spread: true },
      { name: 'p99', title: 'p99 ms', digits: 0 },
      { name: 'steady', title: `p99 ms at ${STEADY}/s`, digits: 0, spread: true },
    ],
    rows: [
      row('the same server, storing nothing', (port) => [built('bare-server'), [`${port}`]]),
      row('rapidfire serve, no rate limit', serve(0)),
      row('rapidfire serve', serve(1_000_000)),
    ],
    rounds: scale.rounds,
  }
}

async function started(program: string, args: string[]): Promise<ChildProcess> {
  const child = fork(program, args, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await new Promise((resolve, reject) => child.once('message', resolve).once('exit', () => reject(new Error(`${program} ended`))))
  return child
}

/** Everybody writes in turn, and each message is a new one. Conversations are opened faster than the rate limit would let them be by default. */
let posted = 0

async function post(load: { url: string; duration: number; connections: number; overallRate?: number }) {
  const result = await autocannon({
    ...load,
    requests: [
      {
        method: 'POST',
        path: PATH,
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => ({ ...request, body: bodyOf(posted++) }),
      },
    ],
  })
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} of ${result.requests.total} requests were not answered with 200`)
  return result
}

function bodyOf(n: number): string {
  const from = `7900${1_000_000 + (n % KEYS)}`
  const message = {
    from,
    id: `wamid.HBgLNzkwM${n}`,
    timestamp: '1790000000',
    type: 'text',
    text: { body: `message ${n} `.padEnd(89, 'x') },
  }
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: '79009999999', phone_number_id: '106540352242922' },
    contacts: [{ profile: { name: 'Ann' }, wa_id: from }],
    messages: [message],
  }
  return JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: '102290129340398', changes: [{ field: 'messages', value }] }],
  })
}
