import { expect, it } from 'vitest'
import { linesOf } from '../../cli/terminal/log.ts'
import { codes, read, tableOf } from './blocks.ts'

/** The events of an interface in src/events.ts: each with what listeners get, and when it comes. */
function eventsOf(name: string): string[][] {
  const body = new RegExp(`export interface ${name}[^{]*\\{\\n([^]*?)\\n\\}`).exec(read('src/events.ts'))?.[1] ?? ''
  const events = [...body.matchAll(/\/\*\* (.*)\. \*\/\n {2}(\w+): \[(.*)\]/g)]
  // Each member has a sentence of its own.
  expect(events).toHaveLength(body.match(/^ {2}\w+: /gm)?.length ?? 0)
  return events.map(([, when = '', event = '', args = '']) => [`\`${event}\``, argumentsOf(args), when])
}

/** The members of an object, or the names of the arguments. */
function argumentsOf(args: string): string {
  const members = /\{ (.*) \}/.exec(args)?.[1]
  const names = [...(members ?? args).matchAll(/(\w+)\??: /g)].map(([, name]) => name as string)
  return members ? `\`{ ${names.join(', ')} }\`` : names.map((name) => `\`${name}\``).join(', ')
}

const withoutLinks = (text: string) => text.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')

it.each([
  ['WorkerEvents', 'src/worker/README.md', 9],
  ['WebhookEvents', 'src/webhook/README.md', 3],
  ['ProcessEvents', 'cli/README.md', 6],
])('%s are documented in %s as they are declared', (name, document, count) => {
  const declared = eventsOf(name)
  expect(declared).toHaveLength(count)
  expect(tableOf(read(document), '| event |').map((cells) => cells.map(withoutLinks))).toEqual(declared)
})

it('the level of each event in the logs is the documented one', () => {
  const documented = tableOf(read('cli/README.md'), '| level | events |').flatMap(([level = '', events = '']) =>
    codes(events).map((event) => [event, codes(level)[0]]),
  )
  const logged = Object.entries(linesOf(false)).map(([event, [level]]) => [event, level])
  expect(new Map(documented as [string, string][])).toEqual(new Map(logged as [string, string][]))
})
