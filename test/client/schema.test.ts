import { expect, it } from 'vitest'
import { z } from 'zod'
import { RapidfireError } from '../../src/errors.ts'
import { describeBindings } from '../support/lua.ts'
import { useClients } from './clients.ts'

describeBindings('schema', (lua) => {
  const client = useClients(lua)

  it('transforms on the way in', async () => {
    const rapidfire = client({ schema: z.object({ text: z.string().trim().min(1), at: z.coerce.number().default(7) }) })
    await rapidfire.addMessage('ann', { text: ' Hi ' })
    await rapidfire.addMessages([{ key: 'ann', data: { text: 'there', at: '8' } }])
    expect((await rapidfire.peek('ann')).messages.map(({ data }) => data)).toEqual([
      { text: 'Hi', at: 7 },
      { text: 'there', at: 8 },
    ])
  })

  it('refuses with what the schema says, and writes nothing', async () => {
    const schema = z.object({ text: z.string('text must be a string'), at: z.number('at must be a number') })
    const rapidfire = client({ schema })
    const error = await rapidfire.addMessage('ann', { text: 1 } as never).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(RapidfireError)
    expect(error).toMatchObject({
      code: 'BAD_DATA',
      message: 'the schema refuses the data: text must be a string; at must be a number',
    })
    const messages = [
      { key: 'ann', data: { text: 'fine', at: 1 } },
      { key: 'ann', data: null as never },
    ]
    await expect(rapidfire.addMessages(messages)).rejects.toMatchObject({ code: 'BAD_DATA' })
    expect(await lua().keyspace()).toEqual({})
  })

  it('waits for one that is asynchronous', async () => {
    const known = z.string().refine(async (name) => Promise.resolve(name !== 'Eve'), 'unknown')
    const rapidfire = client({ schema: known })
    expect(await rapidfire.addMessage('ann', 'Ann')).toEqual({ status: 'added', size: 1 })
    await expect(rapidfire.addMessage('ann', 'Eve')).rejects.toMatchObject({ code: 'BAD_DATA', message: /unknown/ })
    expect((await rapidfire.peek('ann')).size).toBe(1)
  })

  it('keeps the order of a key, and refuses what it makes when JSON cannot carry that', async () => {
    const rapidfire = client({ schema: z.number().transform((n) => (n < 0 ? undefined : n)) })
    await Promise.all(Array.from({ length: 50 }, (_, n) => rapidfire.addMessage('ann', n)))
    expect((await rapidfire.peek('ann')).messages.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, n) => n))
    await expect(rapidfire.addMessage('ann', -1)).rejects.toMatchObject({ code: 'BAD_DATA' })
  })

  it('passes on what a schema throws', async () => {
    const broken = {
      '~standard': {
        validate: () => {
          throw new TypeError('broken')
        },
      },
    }
    await expect(client({ schema: broken }).addMessage('ann', 1)).rejects.toThrow('broken')
  })
})
