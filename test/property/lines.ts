import type { BindingMode } from '../../src/redis/loader.ts'
import { type Arg, LOAD, type Sent } from './world.ts'

/** A text as redis-cli reads it: as it is, or in double quotes with what is not printable escaped. */
function quoted(arg: Arg): string {
  const text = String(arg)
  if (/^[\w.:{}+>$*,-]+$/.test(text)) return text
  const escaped = text.replace(/[\\"]|[^ -~]/g, (each) => {
    return each === '\\' || each === '"' ? `\\${each}` : `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `"${escaped}"`
}

/** One command as a line for redis-cli. */
export const line = (args: readonly Arg[]): string => args.map(quoted).join(' ')

/** Loads the functions with the clock that the key test:clock moves. */
const LOADING = 'node --import tsx test/property/load.ts | redis-cli --pipe'

/** A history as text for a shell in the folder of the repository: redis-cli means a server whose data may go. */
export function pasteable(mode: BindingMode, sent: readonly Sent[]): string {
  const blocks: string[] = [LOADING]
  let lines: string[] = []
  const end = () => {
    if (lines.length > 0) blocks.push(`redis-cli <<'END'\n${lines.join('\n')}\nEND`)
    lines = []
  }
  for (const { args } of sent) {
    if (args === LOAD) {
      end()
      blocks.push(LOADING)
    } else lines.push(line(args))
  }
  end()
  return [`# The history, binding: ${mode}`, ...blocks].join('\n')
}
