import type { RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { BOUNDS, createBoundedServer } from '../../cli/terminal/server.ts'

/** Somebody who has nothing but many connections, and time. */
async function serve(bounds: Partial<typeof BOUNDS>, listener: RequestListener = (_, response) => response.end('ok')) {
  const server = createBoundedServer(listener, { ...BOUNDS, ...bounds }).listen(0, '0.0.0.0')
  await new Promise((resolve) => server.once('listening', resolve))
  const sockets: Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (text: string, from = '127.0.0.1') => {
    const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, localAddress: from })
    const line = { socket, heard: '', ended: false }
    socket.on('error', () => {}).on('data', (bytes) => (line.heard += bytes))
    socket.on('close', () => (line.ended = true))
    socket.write(text)
    sockets.push(socket)
    return line
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n'

it('headers that do not end hold a connection no longer than they may take', async () => {
  const open = await serve({ headersTimeout: 50 })
  const half = open(GET)
  await expect.poll(() => half.ended, { timeout: 10_000 }).toBe(true)
  expect(half.heard).toMatch(/^HTTP\/1\.1 408 /)
})

it('one peer cannot have all connections', async () => {
  const open = await serve({ connections: 6 })
  const [first, ...others] = [1, 2, 3].map(() => open(GET))
  await expect.poll(() => [first, ...others].every((line) => line?.socket.readyState === 'open')).toBe(true)
  const fourth = open(`${GET}\r\n`)
  await expect.poll(() => fourth.ended).toBe(true)
  expect(fourth.heard).toBe('')
  // Only Linux has more than one address by itself.
  if (process.platform === 'linux') {
    const stranger = open(`${GET}\r\n`, '127.0.0.2')
    await expect.poll(() => stranger.heard).toMatch(/^HTTP\/1\.1 200 /)
  }
  first?.socket.destroy()
  const next = async () => {
    const line = open(`${GET}\r\n`)
    await expect.poll(() => line.heard !== '' || line.ended).toBe(true)
    return line.heard
  }
  await expect.poll(next).toMatch(/^HTTP\/1\.1 200 /)
})

it('a body that nobody asked for is not read behind the answer', async () => {
  const open = await serve({})
  const line = open(`${GET}Content-Length: 1000000000\r\n\r\nx`)
  const going = setInterval(() => line.socket.write('x'), 20)
  onTestFinished(() => clearInterval(going))
  await expect.poll(() => line.ended, { timeout: 10_000 }).toBe(true)
  expect(line.heard).toMatch(/^HTTP\/1\.1 200 /)
  const usual = open(`${GET}\r\n`)
  await expect.poll(() => usual.heard).toContain('ok')
  usual.heard = ''
  usual.socket.write(`${GET}\r\n`)
  await expect.poll(() => usual.heard).toContain('ok')
})
