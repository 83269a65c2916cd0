import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../cli/demo/conversation.ts'
import { lacksServer } from '../client/clients.ts'
import { CLI, environment, rapidfire, run } from '../support/shell.ts'

const MERGED = 'Запишите на стрижку меня На завтра В 18:00 К Бари'

// The server of the demo keeps its files here.
let folder: string
beforeEach(async ({ skip }) => {
  if (lacksServer('rapidfire demo')) skip()
  folder = await mkdtemp(join(tmpdir(), 'rapidfire-demo-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('demo', () => {
  let printed = ''
  it('the demo shows four messages come out as one', async () => {
    const { code, stdout, stderr } = await rapidfire(['demo'], { TMPDIR: folder })
    printed = stdout
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.match(/^ +[\d.]+ s .*->/gm)).toHaveLength(4)
    expect(stdout).toMatch(/webhook http:\/\/127\.0\.0\.1:\d+ {2}-> {2}Redis {2}-> {2}worker {2}-> {2}stream batches/)
    expect(stdout).toContain('Book me for a haircut, for tomorrow, at 18:00, with Bari')
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(stdout).toMatch(/\n\nTry next:\n( {2}.+\n){3}$/)
    expect(stdout.split('\n').map((line) => line.trim())).toContain(MERGED)
    for (const size of ['1 message,', '2 messages,', '3 messages,', '4 messages,']) expect(stdout).toContain(` ${size} handed over in `)
    expect(stdout).toMatch(/one batch of 4 messages, \d+ ms after its deadline/)
    expect(stdout).toMatch(/completed +1 /)
    expect(stdout).toContain('4.0 messages a batch, 3 handler calls saved (75 %)')
    expect(await readdir(folder)).toEqual([])
  })

  it('the times that the demo prints agree with one another', () => {
    const times = [...printed.matchAll(/^ +(\d+) s /gm)].map(([, time]) => Number(time))
    expect(times.slice(0, 4)).toEqual([0, 3, 8, 12])
    // On a slow machine a message may come later, never earlier.
    const [first, ...others] = times.slice(4)
    expect(first).toBe(0)
    expect(others).toHaveLength(4)
    const least = [3, 8, 12, 22]
    expect(others.map((time, n) => Math.min(time, least[n] as number))).toEqual(least)
    expect((others[3] as number) - (others[2] as number)).toBe(10)
  })

  it('the words of the demo fit into 80 columns in both languages', () => {
    for (const { about, without, with: batched, waiting, done, stats, next } of Object.values(LANGUAGES)) {
      const indented = [waiting(4, '10.0 s'), done(4, 12_345)].map((text) => `${' '.repeat(9)}${text}`)
      const lines = [about(100), about(1), without, batched, ...indented, stats, next].join('\n').split('\n')
      expect(lines.filter((line) => line.length > 80)).toEqual([])
    }
  })

  it('the demo draws the batch as it fills on a terminal', async ({ skip }) => {
    if (process.platform !== 'linux' || !existsSync('/usr/bin/script')) {
      console.warn('skipped: demo on a terminal: it needs `script` of util-linux')
      return skip()
    }
    const command = `stty cols 100; '${process.execPath}' '${CLI}' demo`
    const { code, stdout } = await run('script', ['-qec', command, '/dev/null'], { TMPDIR: folder, TERM: 'xterm' })
    expect(code).toBe(0)
    // biome-ignore lint/complexity/useRegexLiterals: the escape is easier to see
    const bars = stdout.match(new RegExp('\r\x1b\\[2K +[█░]{24}  \\d messages?', 'g')) ?? []
    expect(bars.length).toBeGreaterThan(4)
    expect(bars.some((bar) => bar.includes('█') && bar.includes('4 messages'))).toBe(true)
    expect(stdout).toContain(MERGED)
  })

  it('the demo says how to get Redis when there is none', async () => {
    const { code, stdout, stderr } = await rapidfire(['demo'], { PATH: folder, REDIS_BINARY: '' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^rapidfire: no redis-server found: install it [^\n]+\n$/)
  })
})

describe('in the middle of the demo', () => {
  let child: ChildProcess
  // Killed, it leaves its processes to end by themselves.
  afterEach(() => void child.kill('SIGKILL'))

  /** Starts the demo and waits until two messages are in; returns the processes that it has started, and how it ends. */
  async function started() {
    child = spawn(process.execPath, [CLI, 'demo', '--speed', '2'], { env: environment({ TMPDIR: folder }) })
    const printed = { stdout: '', stderr: '' }
    child.stderr?.on('data', (chunk) => (printed.stderr += chunk))
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr: printed.stderr }))
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk) => {
        printed.stdout += chunk
        if (printed.stdout.includes('2 messages,')) resolve()
      })
      child.once('close', () => reject(new Error(`the demo has ended: ${printed.stdout}${printed.stderr}`)))
    })
    const started = (await processes()).filter(({ parent }) => parent === child.pid)
    const worker = started.find(({ name }) => name.includes(' work --to '))?.pid as number
    // Redis, the webhook, the worker, and the two shells that end them when the demo is killed.
    expect({ started: started.length, worker }).toEqual({ started: 5, worker: expect.any(Number) })
    return { pids: started.map(({ pid }) => pid), worker, ended }
  }

  // One without a name has ended, and nobody has asked for its exit code yet.
  const alive = async (pids: number[]) =>
    (await processes()).filter(({ pid, name }) => pids.includes(pid) && name !== '').map(({ name }) => name)

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends everything that it has started', async (signal, code) => {
    const { pids, ended } = await started()
    child.kill(signal)
    expect(await ended).toEqual({ code, signal: null, stderr: '' })
    expect(await alive(pids)).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('what the demo has started ends by itself when it is killed', async () => {
    const { pids, ended } = await started()
    child.kill('SIGKILL')
    expect(await ended).toMatchObject({ signal: 'SIGKILL' })
    await expect.poll(() => alive(pids), { timeout: 10_000 }).toEqual([])
  })

  it('the end of the worker process is the end of the demo, with exit code 1', async () => {
    const { pids, worker, ended } = await started()
    process.kill(worker, 'SIGKILL')
    expect(await ended).toEqual({ code: 1, signal: null, stderr: 'rapidfire: the webhook or the worker of the demo has ended\n' })
    expect(await alive(pids)).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })
})

interface Process {
  pid: number
  parent: number
  name: string
}

/** Every process but those that have ended and were not waited for. */
async function processes(): Promise<Process[]> {
  // Small Linux images have no `ps`.
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    return (await Promise.all(pids.map((pid) => linuxProcess(pid).catch(() => [])))).flat()
  }
  const { stdout } = await run('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args='])
  const lines = stdout.trim().split('\n')
  return lines.flatMap((line) => {
    const [pid, parent, state, ...name] = line.trim().split(/\s+/)
    return state?.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), name: name.join(' ') }]
  })
}

async function linuxProcess(pid: string): Promise<Process[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field is the name in brackets, which may have blanks of its own.
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (state === 'Z') return []
  return [{ pid: Number(pid), parent: Number(parent), name: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ') }]
}
