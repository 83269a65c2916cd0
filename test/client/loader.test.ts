import { expect, it } from 'vitest'
import type { Connection, Send } from '../../src/redis/connection.ts'
import { Loader } from '../../src/redis/loader.ts'

/** A server that has no library when it is asked for the version, and has one from somebody else when one is loaded, so many times. */
function racing(times: number) {
  let left = times
  const sent: string[] = []
  const send: Send = async (command) => {
    sent.push(command)
    if (command === 'fcall_ro') throw new Error('ERR Function not found')
    left -= 1
    if (left >= 0) throw new Error("ERR Library 'rapidfire' already exists")
  }
  const connection = { primaries: async () => [send] } as unknown as Connection
  return { loader: new Loader(connection, { binding: 'functions' }), sent }
}

it('a server that loses its functions again and again while others load them is loaded all the same', async () => {
  const { loader, sent } = racing(3)
  await loader.start()
  expect(sent).toEqual(Array.from({ length: 4 }, () => ['fcall_ro', 'function']).flat())
})

it('a server that says for ever that it has the library, and has it not, is given up', async () => {
  const { loader } = racing(Number.POSITIVE_INFINITY)
  await expect(loader.start()).rejects.toThrow('already exists')
})
