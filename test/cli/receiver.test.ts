import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SECRET } from '../http/receiver.ts'
import { command } from './command.ts'

beforeEach(() => {
  vi.stubEnv('RAPIDFIRE_RECEIVER_SECRET', SECRET)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('work --to a receiver', () => {
  const MAKE = '; make one: echo "whsec_$(openssl rand -base64 32)"'

  it.each<[string[], Record<string, string>, string]>([
    [['--to', 'htps://user:password@bot/'], {}, '--to must be https://…, stream:<name> or bullmq:<queue>, got another URL'],
    [['--to', 'https:'], {}, '--to cannot be posted to: it must be a URL that begins with https:// or http://'],
    [['--to', 'https://user:password@'], {}, '--to cannot be posted to: it must be a URL'],
    [
      ['--to', 'http://u:password@bot:8080/x'],
      {},
      'http:// to bot shows everybody on the way what people wrote: take https://, or give --insecure',
    ],
    [['--to', 'https://bot'], { RAPIDFIRE_RECEIVER_SECRET: '' }, `RAPIDFIRE_RECEIVER_SECRET must be whsec_ and 24 to 64 bytes in base64`],
    [['--to', 'https://bot'], { RAPIDFIRE_RECEIVER_SECRET: ' ' }, `there is none${MAKE}`],
    [['--to', 'https://bot'], { RAPIDFIRE_RECEIVER_SECRET: `${SECRET} password` }, 'one is of another form'],
    [['--to', 'https://bot', '--secret-env', 'BOT_SECRET'], {}, `BOT_SECRET must be whsec_`],
    [['--to', 'https://bot', '--timeout', '300001'], {}, '--timeout must be an integer of ms from 1 to 300000, got 300001'],
    [['bot.mjs', '--to', 'https://bot'], {}, 'give either a module or --to'],
  ])('%j is refused in one line that shows no password', async (args, env, text) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const { code, stdout, stderr } = await command(['work', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
    expect(stderr).not.toContain('password')
    expect(stderr).not.toContain(SECRET)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
