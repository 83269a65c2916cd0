import { type Cluster, Command, type Redis } from 'ioredis'
import { Late, NotSent, patiently } from './patience.ts'
import { Term } from './term.ts'

type Client = Redis | Cluster

/** Whether a command would be sent at once. */
export function isReady(client: Client): boolean {
  return client.status === 'ready' && ('nodes' in client || client.stream.writable)
}

/** The one server, or the node of a cluster that serves `key`, as far as the client knows. */
export function nodeOf(client: Client, key: string | undefined): Redis | undefined {
  if (!('nodes' in client)) return client
  if (key === undefined) return undefined
  const slot = new Command('exists', [key], { keyPrefix: client.options.keyPrefix ?? '' }).getSlot()
  const address = client.slots[slot]?.[0]
  return client.nodes().find(({ options }) => `${options.host}:${options.port}` === address)
}

/**
 * Waits until a command can be sent to the server, or to the node of a cluster that serves `key`. undefined: it can be sent now.
 *
 * @param most ms for one attempt to connect
 * @throws NotSent when an attempt has failed
 */
export function ready(client: Client, key: string | undefined, most: number): Promise<void> | undefined {
  const one = isReady(client) ? nodeOf(client, key) : client
  if (!one || isReady(one)) return undefined
  // Then it may be lost again already, and a cluster that is ready may have no connection to that node.
  return nextAttempt(one, one === client, most).then(() => ready(client, key, most))
}

/** One for all who wait, so that a client does not get a listener for each of them. */
const attempts = new WeakMap<Client, Promise<void>>()

function nextAttempt(client: Client, whole: boolean, most: number): Promise<void> {
  let attempt = attempts.get(client)
  if (!attempt) {
    attempt = attemptOf(client, whole, most).finally(() => attempts.delete(client))
    attempts.set(client, attempt)
  }
  return attempt
}

/** @param whole whether it is no node of a cluster: those are given up when they are lost, and made anew when they are needed */
async function attemptOf(client: Client, whole: boolean, most: number): Promise<void> {
  const isFinal = () => whole && client.status === 'end'
  if (client.status === 'end') throw new NotSent('Connection is closed.', isFinal())
  if (client.status === 'wait') client.connect().catch(() => {})
  const before = bytesFrom(client)
  let why: Error | undefined
  let timer: NodeJS.Timeout | undefined
  const listeners: [string, (error: Error) => void][] = []
  try {
    await new Promise<void>((resolve, reject) => {
      // Redis has refused the connection, for a wrong password for example: it will do so again.
      const lost = () => reject(why?.name === 'ReplyError' ? why : new NotSent(why ?? 'Connection is closed.', isFinal()))
      // What follows a refusal is not why.
      const noted = (error: Error) => {
        if (why?.name !== 'ReplyError') why = error
      }
      // Without the ready check it says so of a connection that is being given up, since its database was refused.
      const reached = () => isReady(client) && resolve()
      listeners.push(['error', noted], ['ready', reached], ['close', lost], ['end', lost])
      for (const [event, listener] of listeners) client.on(event, listener)
      timer = setTimeout(() => {
        // Nobody else looks after a connection that was accepted and then not spoken to.
        if (!('nodes' in client) && client.status === 'connect' && bytesFrom(client) === before) client.stream.destroy()
        reject(new NotSent(`Command timed out: no connection within ${most} ms${why ? ` (${why.message})` : ''}`))
      }, most)
    })
  } finally {
    clearTimeout(timer)
    for (const [event, listener] of listeners) client.off(event, listener)
  }
}

/**
 * Fails when nothing arrives from `node` for `ms`, whatever it is, and drops that connection: what is called next needs another one. undefined:
 * it waits for ever, as a Cluster does on its own while it finds no node.
 */
export function unlessSilent<Reply>(ms: number | undefined, reply: Promise<Reply>, node: () => Redis | undefined): Promise<Reply> {
  if (ms === undefined) return reply
  return new Promise((resolve, reject) => {
    let arrived = bytesFrom(node())
    let heard = performance.now()
    let timer: NodeJS.Timeout | undefined
    const look = () => {
      if (!timer) return
      const now = bytesFrom(node())
      if (now !== arrived) heard = performance.now()
      arrived = now
      const left = heard + ms - performance.now()
      if (left > 0) {
        timer = soon(left)
        return
      }
      drop(node())
      reject(new Error(`Command timed out: no answer within ${ms} ms`))
    }
    // When the event loop was blocked, or the process stopped, what has arrived meanwhile is read before it is looked for.
    const soon = (left: number) => setTimeout(() => setImmediate(look), Math.min(left, ms / LOOKS))
    timer = soon(ms)
    const end = () => {
      clearTimeout(timer)
      timer = undefined
    }
    reply.then(
      (said) => {
        end()
        resolve(said)
      },
      (error) => {
        end()
        reject(error)
      },
    )
  })
}

/** Drops a connection at once: somebody who does not answer does not say goodbye either. One that is not ready looks after itself. */
export function drop(node: Redis | undefined): void {
  if (node && isReady(node)) node.stream.destroy()
}

/** How often it is looked within the time: so much later silence may be noticed. */
const LOOKS = 4

const bytesFrom = (client: Client | undefined) => (client && !('nodes' in client) ? (client.stream?.bytesRead ?? 0) : 0)

/**
 * A client of the caller's that keeps no commands for later is waited for until it is connected, `most` ms. The function that is made
 * returns undefined when there is nothing to wait for.
 */
export function reacher(client: Client, most: number): () => Promise<void> | undefined {
  if (client.options.enableOfflineQueue !== false) return () => undefined
  let waiting: Promise<void> | undefined
  const reach = async (): Promise<void> => {
    const term = new Term(most)
    const attempt = async () => {
      try {
        await ready(client, undefined, most)
      } catch (error) {
        term.why = error
        throw error
      }
    }
    const attempts = () => attempt().catch((error) => patiently(error, attempt, { patience: most, retries: Number.POSITIVE_INFINITY }))
    await term.within(attempts, () => new NotSent(new Late(most, term.why)))
  }
  return () => {
    if (isReady(client)) return undefined
    waiting ??= reach().finally(() => (waiting = undefined))
    return waiting
  }
}

/** Whom to tell of each new connection of a client: many may share one, and come and go, so the client has one listener for all of them. */
const TOLD_WHEN_READY = new WeakMap<Client, Set<() => void>>()

/** Returns what calls it off. */
export function tellWhenReady(client: Client, listener: () => void): () => void {
  const told = TOLD_WHEN_READY.get(client) ?? new Set()
  if (!TOLD_WHEN_READY.has(client)) {
    TOLD_WHEN_READY.set(client, told)
    const tell = () => {
      for (const each of told) each()
    }
    client.on('ready', tell)
    if ('nodes' in client) {
      for (const node of client.nodes()) node.on('ready', tell)
      client.on('+node', (node: Redis) => node.on('ready', tell))
    }
  }
  told.add(listener)
  return () => told.delete(listener)
}

/** Where a client goes, without what it proves itself with. */
export function addressOf(client: Client): string {
  if ('nodes' in client) {
    const [node] = client.nodes()
    return node ? `${addressOf(node)} and the other nodes` : 'the address of the cluster'
  }
  const { path, host, port, sentinels, name } = client.options
  return path ?? (sentinels ? `the address that the sentinels have for ${name}` : `${host}:${port}`)
}
