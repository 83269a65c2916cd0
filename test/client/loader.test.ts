import { expect, it } from 'vitest'
import type { Connection, Send } from '../../src/redis/connection.ts'
import { Loader } from '../../src/redis/loader.ts'

/** A server that has no library when it is asked for the version, and has one from somebody else when one is loaded, so many times. */
function racing(times: number) {
  let left = times
  const sent: string[] = []
  const send: Send = async (command) => {
    sent.push(command)
    if (command === 'fcall_ro') throw new Error('ERR Function not found')
    left -= 1
    if (left >= 0) throw new Error("ERR Library 'rapidfire' already exists")
  }
  const connection = { primaries: async () => [send] } as unknown as Connection
  return { loader: new Loader(connection, { binding: 'functions' }), sent }
}

it('a server that loses its functions again and again while others load them is loaded all the same', async () => {
  const { loader, sent } = racing(3)
  await loader.start()
  expect(sent).toEqual(Array.from({ length: 4 }, () => ['fcall_ro', 'function']).flat())
})

it('a server that says for ever that it has the library, and has it not, is given up', async () => {
  const { loader } = racing(Number.POSITIVE_INFINITY)
  await expect(loader.start()).rejects.toThrow('already exists')
})

/** Servers and proxies that have no Functions, or refuse them to their users, each in its own words. */
const WORDS = [
  "ERR unknown command 'FCALL_RO', with args beginning with: 'rapidfire_version' '0' ",
  'ERR unknown command `fcall_ro`, with args beginning with: `rapidfire_version`, `0`, ',
  "unsupported command 'fcall_ro'",
  "ERR unsupported command 'FCALL_RO'",
  "ERR Command is not available: 'FCALL_RO'. See https://example.com for details",
  "ERR unknown subcommand 'LOAD'. Try FUNCTION HELP.",
  "ERR Unknown subcommand or wrong number of arguments for 'LOAD'. Try FUNCTION HELP.",
  "ERR command 'FUNCTION' not support for normal user",
  "ERR handle request, command 'FCALL_RO' is not allowed",
  'ERR command FUNCTION is disabled',
  'ERR This command is not permitted on this plan',
  'ERR FUNCTION LOAD is forbidden in this service',
  "ERR 'FCALL_RO' command is not supported by the proxy",
]

/** A server that refuses a command with these words; when it is one of FUNCTION, the library is not there. */
function refusing(words: string, refused: (command: string) => boolean) {
  const sent: string[] = []
  const send: Send = async (command) => {
    sent.push(command)
    if (refused(command)) throw new Error(words)
    if (command === 'fcall_ro') throw new Error('ERR Function not found')
    if (command === 'evalsha') throw new Error('NOSCRIPT No matching script.')
    return 'OK'
  }
  const connection = { primaries: async () => [send], send } as unknown as Connection
  return { load: (options: object) => new Loader(connection, options).start(), sent, connection }
}

it.each(WORDS)('a server that says %j gets scripts by itself, and `functions` tells what to do', async (words) => {
  for (const refused of ['fcall_ro', 'function']) {
    const server = refusing(words, (command) => command === refused)
    await server.load({})
    expect(server.sent).toContain('script')
    await expect(server.load({ binding: 'functions' })).rejects.toMatchObject({ code: 'SERVER', message: /binding: 'scripts'$/ })
  }
})

it.each(WORDS)('a server that says %j to SCRIPT LOAD as well is said to have neither', async (words) => {
  const server = refusing(words, () => true)
  await expect(server.load({})).rejects.toMatchObject({ code: 'SERVER', message: /has neither Redis Functions nor SCRIPT LOAD/ })
})

it('a user who may not load functions is told so, and gets no scripts unasked', async () => {
  const server = refusing("NOPERM this user has no permissions to run the 'function|load' command", (command) => command === 'function')
  await expect(server.load({})).rejects.toMatchObject({ code: 'SERVER', message: /\+function\|load.*rapidfire load.*binding: 'scripts'$/ })
  expect(server.sent).not.toContain('script')
})

it.each([
  "OOM command not allowed when used memory > 'maxmemory'.",
  'MISCONF Redis is configured to save RDB snapshots. Commands that may modify the data set are disabled',
  'ERR Error compiling function: syntax error',
])('a server that says %j has functions all the same', async (words) => {
  const server = refusing(words, (command) => command === 'function')
  await expect(server.load({})).rejects.toThrow(words)
  expect(server.sent).not.toContain('script')
})

it('a connection that cannot be made, for want of a protocol of TLS, is no server without functions', async () => {
  const failure = Object.assign(new Error('ssl routines: unsupported protocol'), { code: 'EPROTO' })
  const connection = { primaries: async () => [() => Promise.reject(failure)] } as unknown as Connection
  await expect(new Loader(connection, {}).start()).rejects.toMatchObject({ message: 'ssl routines: unsupported protocol' })
})
