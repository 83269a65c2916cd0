import { expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import { codes, read, tableOf } from '../docs/blocks.ts'

interface Law {
  name: string
  says: string
  by_hand?: boolean
}

const { LAWS } = assemble().constants as { LAWS: Record<'messages' | 'dead' | 'other' | 'root', Law[]> }
const laws = [...new Set([...LAWS.messages, ...LAWS.dead, ...LAWS.other, ...LAWS.root])]

it('lua/README.md has every law, and says the same of it', () => {
  const told = tableOf(read('lua/README.md'), '| law |').map(([name = '', says, mended = '']) => [
    codes(name)[0],
    says,
    /^yes/.test(mended),
  ])
  expect(told).toEqual(laws.map(({ name, says, by_hand }) => [name, says, !by_hand]))
})

it('each law has a name of its own', () => {
  expect(new Set(laws.map(({ name }) => name)).size).toBe(laws.length)
})
