import { RapidfireError } from '../errors.ts'
import { checkFlag, checkNames, ms, type Names, whole } from '../given.ts'
import type { Argument } from '../redis/connection.ts'
import type { Confirmation } from './results.ts'

/** What a message waits for before `addMessage` answers. */
export interface Durability {
  /** Replicas that must have it, 0 to 100. @default 0 */
  replicas?: number
  /** Wait until it is in the append-only file, of the primary and of so many replicas: Redis 7.2 and later. @default false */
  aof?: boolean
  /** ms, 1 to a minute; then `addMessage` answers with what was confirmed till then. @default 100 */
  timeout?: number
}

const DURABILITY: Names<Durability> = { replicas: true, aof: true, timeout: true }

/** How long is waited by default, ms. */
export const CONFIRM_WITHIN = 100

/** @throws RapidfireError `BAD_OPTION` */
export function checkDurability(durability: Durability): Durability {
  checkNames('durability', durability, DURABILITY)
  const { replicas = 0, aof = false, timeout = CONFIRM_WITHIN } = durability
  whole('durability.replicas', replicas, { least: 0, most: 100 })
  ms('durability.timeout', timeout, { most: 60_000 })
  checkFlag('durability.aof', aof)
  if (replicas === 0 && !aof) throw new RapidfireError('BAD_OPTION', 'durability must name replicas, aof or both; got neither')
  return durability
}

/** The command that waits, on the connection on which the messages were written. */
export function waitCommand({ replicas = 0, aof = false, timeout = CONFIRM_WITHIN }: Durability): Argument[] {
  return aof ? ['WAITAOF', 1, replicas, timeout] : ['WAIT', replicas, timeout]
}

/** Reads its reply. A server that has no append-only file, does not know the command or does not allow it has confirmed nothing. */
export function confirmation(reply: unknown, { aof = false }: Durability): Confirmation {
  if (!aof) return { replicas: reply instanceof Error ? 0 : Number(reply) }
  const [local, replicas] = (reply instanceof Error ? [0, 0] : reply) as [unknown, unknown]
  return { aof: Number(local) > 0, replicas: Number(replicas) }
}
