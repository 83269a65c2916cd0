import type { BenchMessage } from './systems/system.ts'

/** A load of messages: the keys take turns. */
export interface Load {
  keys: number
  perKey: number
  /** Of a message as JSON. @default 100 */
  bytes?: number
}

/** Texts are shared, so that the heap of the bench itself costs little. */
export function makeMessages({ keys, perKey, bytes = 100 }: Load, prefix = '7900'): BenchMessage[] {
  const names = Array.from({ length: keys }, (_, n) => `${prefix}${1_000_000 + n}`)
  const texts = Array.from({ length: 1000 }, (_, n) => {
    const data = { text: `message ${n} `.padEnd(bytes - JSON.stringify({ text: '' }).length, 'x') }
    return { data, text: JSON.stringify(data) }
  })
  return Array.from({ length: keys * perKey }, (_, n) => ({
    key: names[n % keys] as string,
    ...(texts[n % texts.length] as { data: { text: string }; text: string }),
    id: `wamid.HBgLNzkwM${prefix}${10_000_000 + n}`,
  }))
}
