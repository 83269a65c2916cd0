import { expect, it } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { describeBindings } from '../support/lua.ts'

const YEAR = 31_536_000_000
const NUMBER = 999_999

/** The numbers that each call takes: its other arguments, the token, the least and the most. */
const NUMBERS: [FunctionName, string[], string, number, number][] = [
  ...(['WAIT', 'MAXWAIT', 'DEDUPE'] as const).map((token): [FunctionName, string[], string, number, number] => [
    'policy',
    [],
    token,
    1,
    YEAR,
  ]),
  ['policy', [], 'MAXSIZE', 1, 500],
  ['policy', [], 'MAXBACKLOG', 1, 1_000_000],
  ['policy', [], 'MAXMESSAGEBYTES', 1, 1_048_576],
  ['policy', [], 'MAXBATCHBYTES', 1, 1_048_576],
  ['policy', [], 'MAXDEAD', 1, 1_000_000],
  ['policy', [], 'MAXDEADAGE', 0, YEAR],
  ['policy', [], 'MAXKEYS', 0, 100_000_000],
  ['add', ['k', 'x'], 'WAIT', 1, YEAR],
  ['add', ['k', 'x'], 'MAXWAIT', 1, YEAR],
  ['add', ['k', 'x'], 'MAXSIZE', 1, 500],
  ['add', ['k', 'x'], 'GENERATION', 1, NUMBER],
  ['claim_ready', [], 'LIMIT', 1, 1000],
  ['claim_ready', [], 'LEASE', 1, 86_400_000],
  ['claim_ready', [], 'BEFORE', 0, 9_999_999_999_999],
  ['claim_ready', [], 'ATTEMPTS', 1, 1000],
  ['claim_ready', ['WORKER', 'w'], 'REST', 1, 3_600_000],
  ['claim_ready', [], 'GENERATION', 1, NUMBER],
  ['forward', ['batches'], 'LIMIT', 1, 1000],
  ['forward', ['batches'], 'MAXLEN', 1, 10_000_000],
  ['forward', ['batches', 'WORKER', 'w'], 'REST', 1, 3_600_000],
  ['forward', ['batches'], 'GENERATION', 1, NUMBER],
  ['fail', ['k', '1-1:1'], 'DELAY', 0, YEAR],
  ['fail', ['k', '1-1:1'], 'ATTEMPTS', 1, 1000],
  ['peek', ['k'], 'LIMIT', 1, 1000],
  ['dead', [], 'LIMIT', 1, 50],
  ['dead', [], 'OFFSET', 0, 1_000_000],
  ['partition', ['OPEN', 'LAYOUT', '1:0:0:0'], 'GENERATION', 1, NUMBER],
  ['repartition', [], 'PREPARE', 1, 1024],
  ['repartition', [], 'COMMIT', 0, NUMBER],
  ['repartition', [], 'SETTLE', 0, NUMBER],
  ['repartition', ['LAYOUT', '1:0:0:0'], 'RESTORE', 1, NUMBER],
]

/** The texts that each call takes: its other arguments, the token, and the most bytes. */
const TEXTS: [FunctionName, string[], string, number][] = [
  ['add', ['k', 'x'], 'ID', 512],
  ['add', ['k', 'x', 'WAIT', '5'], 'ID', 512],
  ['add', ['k', 'x'], 'REQUEUED', 128],
  ['claim_ready', [], 'WORKER', 64],
  ['claim_ready', [], 'NONCE', 64],
  ['forward', ['batches'], 'WORKER', 64],
  ['forward', ['batches'], 'NONCE', 64],
  ['fail', ['k', '1-1:1'], 'ERROR', 4096],
  ['fail', ['k', '1-1:1'], 'KEEP', 8192],
  ['fail', ['k', '1-1:1'], 'NONCE', 64],
  ['release', ['k', '1-1:1'], 'REASON', 256],
  ['release', ['k', '1-1:1'], 'NONCE', 64],
  ['dead', [], 'ID', 64],
  ['policy', ['WAIT', '1'], 'GIVEN', 64],
  ['partition', ['OPEN', 'GENERATION', '1'], 'LAYOUT', 64],
  ['repartition', ['RESTORE', '1'], 'LAYOUT', 64],
]

describeBindings('limits', (lua) => {
  /** What a call says of the value of a token; nothing when it goes on to look at other things. */
  async function said(name: FunctionName, args: string[], token: string, value: string): Promise<string | undefined> {
    await lua().reset()
    const text = await lua()
      .call(name, ...args, token, value)
      .then(String, (error: Error) => error.message)
    return text.includes(`${token} must be an integer`) || text.includes(`${token} must have at most`) ? text : undefined
  }

  it.each(NUMBERS)('%s %j takes %s from %d to %d', async (name, args, token, least, most) => {
    for (const value of [least, most]) expect(await said(name, args, token, String(value))).toBeUndefined()
    for (const value of [least - 1, most + 1]) expect(await said(name, args, token, String(value))).toContain(`from ${least} to ${most},`)
  })

  it.each(TEXTS)('%s %j takes %s of up to %d bytes', async (name, args, token, bytes) => {
    expect(await said(name, args, token, 'x'.repeat(bytes))).toBeUndefined()
    expect(await said(name, args, token, 'x'.repeat(bytes + 1))).toContain(`at most ${bytes} bytes`)
  })
})
