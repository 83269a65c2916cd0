import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../../cli/program.ts'
import manifest from '../../package.json' with { type: 'json' }
import { CLI, environment, rapidfire } from '../support/shell.ts'
import { command } from './command.ts'

describe('usage', () => {
  it.each([['--version'], ['-V']])('%s prints the version', async (option) => {
    expect(await rapidfire([option])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })

  it('--help names every command', async () => {
    const { code, stdout, stderr } = await rapidfire(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of ['stats', 'load', 'demo']) expect(stdout).toMatch(new RegExp(`^  ${command} {2}`, 'm'))
  })

  it('help of every command can be read in 60 columns, groups its options, and leaves none out', () => {
    const help = (command: Command) => {
      let printed = ''
      command.configureOutput({ getOutHelpWidth: () => 60, writeOut: (text) => void (printed += text) }).outputHelp()
      return printed
    }
    const program = createProgram()
    const commands = [program, ...program.commands, ...program.commands.flatMap((command) => command.commands)]
    expect(commands).toHaveLength(21)
    for (const command of commands) {
      const lines = help(command).split('\n')
      expect(lines.filter((line) => line.length > 60)).toEqual([])
      for (const { long } of command.options)
        expect(lines.filter((line) => line.startsWith(`  ${long}`) || line.includes(`, ${long} `))).toHaveLength(1)
    }
    expect(help(program).match(/^\S.*:$/gm)).toEqual(['Options:', 'Run until stopped:', 'Look into a queue, and change it:', 'Set up:'])
    const [work] = program.commands.filter((command) => command.name() === 'work')
    expect(help(work as Command).match(/^\S.*:$/gm)).toEqual([
      'Arguments:',
      'Options:',
      'Policy, stored for the queue:',
      'Process:',
      'Queue and server:',
    ])
  })

  it('help of a command does not show what REDIS_URL holds', async () => {
    const { code, stdout } = await rapidfire(['stats', '--help'], { REDIS_URL: 'redis://:secret@127.0.0.1' })
    expect(code).toBe(0)
    expect(stdout).toContain('REDIS_URL')
    expect(stdout).not.toContain('secret')
  })

  it.each([
    [[], 'Usage: rapidfire'],
    [['nope'], "unknown command 'nope'"],
    [['stats', '--nope'], "unknown option '--nope'"],
    [['stats', 'whatsapp'], 'too many arguments'],
    [['stats', '--queue'], 'argument missing'],
    [['load', '--redis'], 'argument missing'],
    [['demo', '--speed', 'fast'], 'must be a number from 0.1 to 100'],
    [['demo', '--speed', '0'], 'must be a number from 0.1 to 100'],
    [['demo', '--speed', ''], 'must be a number from 0.1 to 100'],
    [['stats', '--redis', 'localhost:6379'], 'must be given as a URL'],
    [['stats', '--redis', 'http://127.0.0.1'], 'must be given as a URL'],
    [['load', '--redis', 'redis://127.0.0.1:99999'], 'must be given as a URL'],
  ])('%j is refused with exit code 2', async (args, text) => {
    const { code, stdout, stderr } = await command(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
    expect(stderr).not.toMatch(/^ +at /m)
  })
})

describe('a server that cannot be used', () => {
  const line = (text: string) => ({ code: 1, stdout: '', stderr: `rapidfire: ${text}\n` })

  it.each([
    ['stats', '--redis'],
    ['stats', 'REDIS_URL'],
    ['load', '--redis'],
    ['load', 'REDIS_URL'],
  ])('%s with %s gets one line without the password', async (command, given) => {
    // Nothing listens on a port that was just given up.
    const port = await freePort()
    const url = `redis://bot:secret@127.0.0.1:${port}`
    const ended = given === '--redis' ? await rapidfire([command, '--redis', url]) : await rapidfire([command], { REDIS_URL: url })
    const why = `connect ECONNREFUSED 127.0.0.1:${port} (--redis or REDIS_URL names the server)`
    expect(ended).toEqual(line(`Redis at 127.0.0.1:${port} cannot be reached: ${why}`))
  })

  it('one that closes the connection', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const { code, stdout, stderr } = await rapidfire(['stats', '--redis', `redis://:secret@127.0.0.1:${port}`])
    server.close()
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^rapidfire: Redis at 127\\.0\\.0\\.1:${port} cannot be reached: [^\n]+\n$`))
    expect(stderr).not.toContain('secret')
  })
})

it('ends quietly when the reader of its output goes away', async () => {
  const child = spawn(process.execPath, [CLI, 'load', '--print'], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
  expect(stderr).toBe('')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
