import type { BenchMessage } from './systems/system.ts'

/** Messages of each key: as many as make a full batch of the default policy. */
export const PER_KEY = 10

/** The keys take turns. Texts are shared, so that the heap of the bench itself costs little. */
export function makeMessages(keys: number): BenchMessage[] {
  const names = Array.from({ length: keys }, (_, n) => `7900${1_000_000 + n}`)
  const texts = Array.from({ length: 1000 }, (_, n) => {
    const data = { text: `message ${n} `.padEnd(89, 'x') }
    return { data, text: JSON.stringify(data) }
  })
  return Array.from({ length: keys * PER_KEY }, (_, n) => ({
    key: names[n % keys] as string,
    ...(texts[n % texts.length] as { data: { text: string }; text: string }),
    id: `wamid.HBgLNzkwM${10_000_000 + n}`,
  }))
}
