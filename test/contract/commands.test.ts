import { expect, it } from 'vitest'
import { CALLS, commandsOf, type Role, sample } from '../../cli/doctor/rights.ts'
import { COMMANDS_OF } from '../../src/redis/generated/commands.ts'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { SCRIPTS } from '../../src/redis/generated/scripts.ts'
import { useRedis } from '../support/redis.ts'

const NAMES = Object.keys(COMMANDS_OF) as FunctionName[]

it.each(NAMES)('the commands of %s are those that its script has, and those of the functions that hand them on', (name) => {
  // The first command of a script that frees memory is none of the function.
  // Nor does a call need what writes down that it was made: who may not, goes without.
  const noted = /^local function (?:write_events|about_messages|trim_archive|keep_index|write_archive)\([\s\S]*?^end$/gm
  const text = SCRIPTS[name].text.replace(/.*\n?$/, '').replace(noted, '')
  const called = [...text.matchAll(/\b(?:p?call|(?:read|write)_unless_foreign)\(\s*'([A-Z]+)'(?:, '(GROUPS|NUMSUB)')?/g)]
  const commands = called.map(([, command, sub]) => [command, sub].flatMap((part) => part?.toLowerCase() ?? []).join('|'))
  // By that the library only saves time, and does without where it may not.
  const needed = [...new Set(commands)].filter((command) => command !== 'info')
  expect(needed.sort()).toEqual(COMMANDS_OF[name])
})

it('doctor tries each command that a user needs with as many arguments as it takes', async () => {
  const { redis } = await useRedis()
  const roles = Object.keys(CALLS) as Role[]
  const commands = new Set(roles.flatMap((role) => [...commandsOf(role, 'functions'), ...commandsOf(role, 'scripts')]))
  const wrong: string[] = []
  for (const command of commands) {
    // These are what surrounds the others, and another connection.
    if (['multi', 'discard', 'subscribe'].includes(command)) continue
    const [name, ...args] = sample(command, 'rapid-fire:{orders}')
    const [info] = (await redis.call('COMMAND', 'INFO', name)) as [[string, number]]
    const given = args.length + 1
    if (info[1] > 0 ? given !== info[1] : given < -info[1]) wrong.push(`${name} ${args.join(' ')}`)
  }
  expect(wrong).toEqual([])
})
