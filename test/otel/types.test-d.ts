import { expectTypeOf, it } from 'vitest'
import { RapidFire } from '../../src/index.ts'
import { instrument, linksOf } from '../../src/otel/index.ts'

it('an instrumented client has the type of the client', () => {
  const rapidfire = new RapidFire<{ text: string }>()
  expectTypeOf(instrument(rapidfire)).toEqualTypeOf(rapidfire)
  // @ts-expect-error: not a message of this queue
  instrument(rapidfire).addMessage('ann', 7)
  instrument(rapidfire).worker((batch) => linksOf(batch.messages))
})
