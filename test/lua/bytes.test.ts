import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'
import { readMessage } from '../support/message.ts'

const ALL = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
const BYTES: [string, Buffer][] = [
  ['Cyrillic', Buffer.from('Запишите на стрижку меня')],
  ['emoji', Buffer.from('👩‍👩‍👧‍👦 👍🏽')],
  ['quotes and backslashes', Buffer.from(`"'\`\\"\\\\`)],
  ['a NUL', Buffer.from('\0')],
  ['NULs around digits', Buffer.from('1\x002\x003')],
  ['newlines', Buffer.from('\r\n$3\r\nfoo\r\n')],
  ['braces', Buffer.from('{}}{ {other}:due')],
  ['blanks', Buffer.from(' \t ')],
  ['Lua patterns', Buffer.from('%d+%s*[^%w]$^%')],
  ['what looks like a message', Buffer.from(`${START} 3,F,S1 idx`)],
  ['what looks like a claim', Buffer.from('1-1:1:1:0:1:5:wait:9:retry')],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28])],
  ['every byte', ALL],
]

describeBindings('any bytes', (lua) => {
  const add = async (...args: (string | Buffer)[]) => (await lua().call('add', ...args)).slice(0, 2)

  it.each(BYTES)('%s come back byte for byte as key, id and data', async (_, bytes) => {
    expect(await add(bytes, bytes, 'ID', bytes)).toEqual(['added', 1])
    expect(await add(bytes, bytes, 'WAIT', '1', 'ID', Buffer.concat([bytes, bytes]))).toEqual(['added', 2])
    expect(await add(bytes, bytes)).toEqual(['added', 3])
    expect(await add(bytes, 'x', 'ID', bytes)).toEqual(['duplicate', 3])
    await lua().holds()
    const expected = [bytes, Buffer.concat([bytes, bytes]), Buffer.alloc(0)].map((id) => ({ id, data: bytes }))
    const read = (messages: Buffer[]) => messages.map(readMessage).map(({ id, data }) => ({ id, data }))

    expect(read((await lua().callBuffer('peek', bytes))[7])).toEqual(expected)
    await lua().tick(10_000)
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const [, , [key, token, , reason, , messages]] = await lua().callBuffer('claim_ready')
      expect([key, String(reason)]).toEqual([bytes, 'wait'])
      expect(read(messages)).toEqual(expected)
      expect(await lua().call('extend', 1000, bytes, token)).toEqual(['extended', 0])
      if (attempt === 1) expect(await lua().call('fail', bytes, token, 'DELAY', '0')).toBe('retry')
      else expect(await lua().call('fail', bytes, token, 'ATTEMPTS', '2', 'ERROR', bytes)).toBe('dead')
      await lua().holds()
    }
    const dead = ((await lua().redis.keys('*:dead:*')) as [string])[0]
    expect(await lua().redis.hgetBuffer(dead, 'key')).toEqual(bytes)
    expect(await lua().redis.hgetBuffer(dead, 'error')).toEqual(bytes)
    expect(readMessage((await lua().redis.hgetBuffer(dead, '2')) as Buffer)).toMatchObject(expected[1] as object)
  })

  it.each(BYTES)('%s complete a batch', async (_, bytes) => {
    await add(bytes, bytes, 'FLUSH')
    const [, , [key, token]] = await lua().callBuffer('claim_ready')
    expect(await lua().call('complete', key, token)).toEqual(['completed'])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
  })

  it('250 KiB of them come back byte for byte', async () => {
    const large = Buffer.concat(Array.from({ length: 1000 }, () => ALL))
    expect(large.length).toBe(250 * 1024)
    await add('ann', large, 'ID', ALL)
    await add('ann', large, 'FLUSH')
    const [, , [, , , , , messages]] = await lua().callBuffer('claim_ready')
    expect(messages.map((message: Buffer) => readMessage(message).data.equals(large))).toEqual([true, true])
  })

  it('no data is a message too', async () => {
    await add('ann', '')
    await add('ann', '', 'FLUSH', 'ID', 'm1')
    expect((await lua().claimOne()).messages).toEqual([
      { receivedAt: START, id: '', data: '' },
      { receivedAt: START, id: 'm1', data: '' },
    ])
  })

  it('keys that differ in one byte are different conversations', async () => {
    const keys = [...BYTES.map(([, bytes]) => bytes), ...Array.from({ length: 256 }, (_, n) => Buffer.from([0x61, n]))]
    for (const key of keys) expect(await add(key, 'x')).toEqual(['added', 1])
    await lua().tick(10_000)
    const found: string[] = []
    for (;;) {
      const [, , ...batches] = await lua().callBuffer('claim_ready', 'LIMIT', '1000')
      if (batches.length === 0) break
      found.push(...batches.map(([key]: [Buffer]) => key.toString('hex')))
    }
    expect(found.sort()).toEqual(keys.map((key) => key.toString('hex')).sort())
    await lua().holds()
  })

  it('errors do not show them', async () => {
    await lua().refuses('UNKNOWN_ARGUMENT', 'got a text of 4 bytes', 'add', 'ann', 'x', '\r\n\0\x7f')
  })
})
