import { describe, expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { useWatch } from './watchers.ts'

describeBindings('leave', (lua) => {
  const { claim, next, listen, heard, standbys } = useWatch(lua)
  const leave = (worker: string) => lua().call('leave', worker)

  it('makes one that stands by the watcher, and tells it alone when to look', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'WAIT', 300)
    for (const worker of ['w1', 'w2', 'w3']) await claim(worker)
    expect(await standbys()).toEqual(['w2', 'w3'])
    expect(await leave('w1')).toBe('passed')
    expect(await heard()).toEqual([`w3 ${lua().now + 300}`])
    expect(await standbys()).toEqual(['w2'])
    await lua().call('add', 'bob', '"Hi"', 'FLUSH')
    expect(await heard()).toEqual([`w3 ${lua().now}`])
    expect(await next('w3', 'LIMIT', 2)).toBe(300)
  })

  it('lets that one look when it would have looked by itself, with nothing due', async () => {
    await listen()
    await claim('w1')
    await lua().tick(400)
    await claim('w2')
    await lua().tick(100)
    expect(await leave('w1')).toBe('passed')
    expect(await heard()).toEqual([`w2 ${lua().now + 900}`])
  })

  it('passes on what is due by now, and a promise whose time has come', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'WAIT', 300)
    await claim('w1')
    await lua().tick(50)
    await claim('w2')
    await lua().tick(250)
    expect(await leave('w1')).toBe('passed')
    expect(await heard()).toEqual([`w2 ${lua().now}`])
  })

  it.each(['p1/1', 'p1/22', 'p1/', 'p1'])(
    'gives up the watch of %s in the name of its process, to one that is none of its workers',
    async (watcher) => {
      await listen()
      await claim(watcher)
      await lua().tick(50)
      await claim('p2/1')
      await lua().tick(50)
      for (const worker of ['p1/3', 'p1/4']) await claim(worker)
      expect(await leave('p1')).toBe(watcher === 'p1' ? 'passed' : 'idle')
      if (watcher === 'p1') return
      expect(await leave('p1/')).toBe('passed')
      expect(await heard()).toEqual([`p2/1 ${lua().now + 950}`])
      expect(await standbys()).toEqual([])
      expect(await leave('p1/')).toBe('idle')
    },
  )

  it.each(['p11/1', 'p', 'p/1', '1/p1/1', 'p1x'])('leaves the watch to %s when another process is gone', async (watcher) => {
    await listen()
    await claim(watcher)
    expect(await leave('p1/')).toBe('idle')
    expect(await leave('/')).toBe('idle')
    expect(await leave(watcher)).toBe('vacant')
  })

  it('forgets that a process is there', async () => {
    await listen()
    await lua().call('present', 'p1')
    await claim('p1')
    expect(await leave('p1/')).toBe('vacant')
    expect(await lua().redis.exists(`${lua().root}:watch:present`)).toBe(0)
  })

  it('leaves the watch vacant when nobody stands by, or nobody does any more', async () => {
    await listen()
    await claim('w1')
    expect(await leave('w1')).toBe('vacant')
    expect(await leave('w1')).toBe('idle')
    await claim('w1')
    await claim('w2')
    await lua().tick(900)
    await claim('w1')
    await lua().tick(100)
    expect(await leave('w1')).toBe('vacant')
    expect(await heard()).toEqual([])
    // Whoever looks next watches.
    await claim('w3')
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    expect(await heard()).toEqual([`w3 ${lua().now}`])
  })

  it('stands by no more, and leaves the watch of another alone', async () => {
    await listen()
    await claim('w1')
    await claim('w2')
    expect(await leave('w2')).toBe('idle')
    expect(await standbys()).toEqual([])
    expect(await leave('w1')).toBe('vacant')
    expect(await heard()).toEqual([])
  })

  it.each([
    [[], 'MISSING_ARGUMENT'],
    [[''], 'BAD_ARGUMENT'],
    [['w'.repeat(65)], 'BAD_ARGUMENT'],
  ])('is refused with %j', async (args, code) => {
    await listen()
    await expect(lua().call('leave', ...args)).rejects.toThrow(`RAPIDFIRE_${code} `)
  })

  it('is of a worker with a name of 1 to 64 bytes', async () => {
    await listen()
    for (const worker of ['w', 'w'.repeat(64)]) expect(await lua().call('leave', worker)).toEqual('idle')
    for (const worker of ['', 'w'.repeat(65)])
      await lua().refuses('BAD_ARGUMENT', `the name of a worker must have 1 to 64 bytes, got ${worker.length}`, 'leave', worker)
    await lua().refuses('MISSING_ARGUMENT', 'expected the name of a worker', 'leave')
  })

  it.each([
    [99, 'passed'],
    [100, 'vacant'],
  ])('is followed by the first that hears of a hundred that stand by: behind %d that do not, it is %s', async (deaf, status) => {
    await listen('w2')
    await claim('w1')
    await lua().redis.zadd(`${lua().root}:watch:standby`, lua().now + 1, 'w2')
    const others = Array.from({ length: deaf }, (_, n) => [lua().now + 2 + n, `deaf ${n}`]).flat()
    await lua().redis.zadd(`${lua().root}:watch:standby`, ...others)
    expect(await lua().call('leave', 'w1')).toBe(status)
  })

  describe('a worker that nobody hears of', () => {
    it('watches no more when it does not hear what is due: one that stands by does, and each one that does not is dropped', async () => {
      await listen('w2')
      for (const worker of ['w1', 'w2', 'w3', 'w4']) await claim(worker)
      await lua().call('add', 'ann', '"Hi"', 'FLUSH')
      expect(await heard()).toEqual([`w2 ${lua().now}`])
      expect(await lua().redis.exists(`${lua().root}:watch:standby`)).toBe(0)
    })

    it('leaves the watch vacant when there is nobody else', async () => {
      await listen('other')
      await claim('w1')
      await lua().call('add', 'ann', '"Hi"', 'WAIT', 500)
      expect(await lua().redis.hget(lua().root, 'watchAt')).toBe('0')
      expect(await next('w2')).toBe(500)
    })

    it('is not followed when it hears by way of another node', async () => {
      await listen('w2')
      await claim('~w1')
      await claim('w2')
      await lua().call('add', 'ann', '"Hi"', 'FLUSH')
      expect(await heard()).toEqual([])
      expect(await lua().redis.hget(lua().root, 'watcher')).toBe('~w1')
    })
  })
})
