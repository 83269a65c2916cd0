import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent } from '../agents.ts'
import { type Bench, installed, workingRow } from '../bench.ts'
import type { Measure } from '../rounds.ts'
import { WORKING } from '../systems/index.ts'

const DAY = 86_400_000
const CONCURRENCY = 50
const PENDING = 10_000

export function idleMeasure(bench: Bench): Measure {
  const seconds = bench.scale.seconds.idle
  const pending = Math.min(PENDING, bench.scale.pending)

  async function restingOf(worker: Agent): Promise<{ commands: number; cpu: number; megabytes: number }> {
    const stop = countCommands(bench.url)
    const before = await worker.do('usage', undefined)
    await sleep(seconds * 1000)
    const after = await worker.do('usage', undefined)
    return { commands: stop() / seconds, cpu: (after.cpu - before.cpu) / seconds / 1e4, megabytes: after.megabytes }
  }

  return {
    title: `A worker at rest: nothing pending, and ${pending.toLocaleString('en-US')} keys that are not due`,
    columns: [
      { name: 'commands', title: 'commands/s', digits: 1 },
      { name: 'cpu', title: 'CPU %', digits: 2 },
      { name: 'megabytes', title: 'MB', digits: 0 },
      { name: 'pendingCommands', title: 'commands/s, pending', digits: 1 },
      { name: 'pendingCpu', title: 'CPU %, pending', digits: 2 },
    ],
    rows: installed(WORKING).map((name) =>
      workingRow(bench, name, DAY, async (adder, worker) => {
        await worker.do('work', { concurrency: CONCURRENCY })
        await sleep(seconds * 1200) // what starting leaves behind: V8 tidies up once, some ten seconds later
        const empty = await restingOf(worker)
        await adder.do('addInBulk', { keys: pending, perKey: 1, size: 250 })
        await sleep(seconds * 200)
        const full = await restingOf(worker)
        return { ...empty, pendingCommands: full.commands, pendingCpu: full.cpu }
      }),
    ),
    rounds: 1,
  }
}

/** Counts the commands that clients send, by what MONITOR prints; those of scripts do not count. The function that it returns ends it. */
function countCommands(url: string): () => number {
  const { hostname, port, password } = new URL(url)
  const socket = connect(Number(port), hostname).setEncoding('latin1')
  let count = -2 // the answers to AUTH and to MONITOR themselves
  let rest = ''
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\r\n')
    rest = lines.pop() as string
    for (const line of lines) if (!/^\+[\d.]+ \[\d+ lua\]/.test(line)) count += 1
  })
  socket.write(`AUTH ${password}\r\nMONITOR\r\n`)
  return () => {
    socket.destroy()
    return Math.max(count, 0)
  }
}
