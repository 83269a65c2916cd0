import { expect, it } from 'vitest'
import { Nonces } from '../../src/protocol/nonces.ts'

it('all calls that were not answered are repeated, although only one is made at a time from then on', () => {
  const nonces = new Nonces()
  const lost = [nonces.take('root'), nonces.take('root'), nonces.take('root')]
  for (const nonce of lost) nonces.giveBack('root', nonce, false)
  const repeated = lost.map(() => {
    const nonce = nonces.take('root')
    const { name, number } = nonce
    nonces.giveBack('root', nonce, true)
    return { name, number }
  })
  expect(repeated).toEqual(lost.map(({ name }) => ({ name, number: 1 })))
  expect(nonces.take('root')).toMatchObject({ number: 2 })
  expect(nonces.take('another root')).toMatchObject({ number: 1 })
})
