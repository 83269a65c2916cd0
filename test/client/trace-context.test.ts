import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { useClients } from './clients.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const other = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'
const tracestate = 'congo=t61rcWkgMzE, rojo=100 %,a@b="!"'

describeBindings('the trace context of a message', (lua) => {
  const client = useClients(lua)

  async function handed() {
    const rapidfire = client()
    await rapidfire.addMessage('k', 'last', { flush: true })
    const { batches } = await rapidfire.claimReady()
    return batches.flatMap(({ messages }) => messages)
  }

  it('is handed over with it, and another message has none', async () => {
    await client().addMessage('k', 'a', { traceContext: { traceparent, tracestate }, id: 'm', wait: 100 })
    await client().addMessage('k', 'b', { traceContext: { traceparent } })
    const messages = await handed()
    expect(messages.map(({ traceContext }) => traceContext)).toEqual([{ traceparent, tracestate }, { traceparent }, undefined])
    expect(messages.map((message) => 'traceContext' in message)).toEqual([true, true, false])
    expect(messages.map(({ id, data }) => [id, data])).toEqual([
      ['m', 'a'],
      [undefined, 'b'],
      [undefined, 'last'],
    ])
  })

  it('of a list is that of each message which has none of its own, however long the list', async () => {
    await lua().call('policy', 'MAXSIZE', 500)
    const messages = Array.from({ length: 300 }, (_, n) => ({ key: 'k', data: n, ...(n === 7 && { traceContext: { traceparent } }) }))
    await client().addMessages(messages, { traceContext: { traceparent: other } })
    const contexts = (await handed()).map(({ traceContext }) => traceContext?.traceparent)
    expect(contexts).toEqual([...Array(7).fill(other), traceparent, ...Array(292).fill(other), undefined])
  })

  it.each([
    [{ traceparent: '' }, 'traceparent must be one of W3C Trace Context, 00-<32 hex>-<16 hex>-<2 hex>; got a text'],
    [{ traceparent: `${traceparent},F` }, 'traceparent must be one of W3C Trace Context, 00-<32 hex>-<16 hex>-<2 hex>; got a text'],
    [{ traceparent, tracestate: 'x'.repeat(513) }, 'tracestate must have at most 512 printable ASCII characters, got a text'],
    [{ traceparent, tracestate: 'a=ё' }, 'tracestate must have at most 512 printable ASCII characters, got a text'],
    [{ traceparent, state: 1 }, "traceContext has no option 'state'"],
    ['00', 'traceContext takes an object with traceparent'],
  ])('is refused when it is none: %j', async (traceContext: any, says) => {
    const refusal = { code: 'BAD_OPTION', message: expect.stringContaining(says) }
    await expect(client().addMessage('k', 1, { traceContext })).rejects.toMatchObject(refusal)
    await expect(client().addMessages([{ key: 'k', data: 1 }], { traceContext })).rejects.toMatchObject(refusal)
  })

  it('that is none, since another program has written it, is left out, and the message is handed over', async () => {
    await lua().call('add', 'k', '"x"', 'CONTEXT', 'W1;F')
    await lua().call('add', 'k', '"y"', 'CONTEXT', `${traceparent};a=%FF%00`)
    const [x, y] = await handed()
    expect(x).toEqual({ id: undefined, data: 'x', receivedAt: expect.any(Number) })
    expect(y).toMatchObject({ data: 'y', traceContext: { traceparent, tracestate: 'a=%FF%00' } })
  })

  it('stays with a message that comes back from the dead, also into another partition', async () => {
    const rapidfire = client()
    await rapidfire.policy({ partitions: 3 })
    await rapidfire.addMessage('k', 'x', { traceContext: { traceparent, tracestate }, flush: true })
    const [batch] = (await rapidfire.claimReady()).batches
    await rapidfire.fail(batch as never, { attempts: 1 })
    await rapidfire.policy({ partitions: 2 })
    const [{ id } = { id: '' }] = await rapidfire.dead()
    const [dead] = await rapidfire.dead({ id })
    expect(dead?.messages).toMatchObject([{ traceContext: { traceparent, tracestate } }])
    expect(await rapidfire.requeue([id])).toEqual(['requeued'])
    expect((await rapidfire.claimReady()).batches).toMatchObject([{ messages: [{ data: 'x', traceContext: { traceparent, tracestate } }] }])
  })
})
