import { toRapidfireError } from '../errors.ts'
import type { Connection } from '../redis/connection.ts'
import { REGISTRY } from '../redis/registry.ts'
import { isForbidden } from '../redis/rights.ts'
import type { Found } from './violations.ts'

/** The parts of which one at least is there as long as a queue holds anything. */
const PARTS = ['', ':due', ':active', ':dead']

/**
 * What must hold of the registry for one queue: it lists a queue that is there, and no other. A user who may not read or write it is told nothing: the
 * queue works without.
 *
 * @param roots all that are known or were found, the root of the queue first
 */
export async function checkListed(
  connection: Pick<Connection, 'send' | 'address'>,
  queue: string,
  roots: readonly string[],
  repair: boolean,
): Promise<Found[]> {
  const ask = async (command: 'exists' | 'zscore' | 'zadd' | 'zrem', args: (string | number)[]) => {
    try {
      return await connection.send(command, args)
    } catch (error) {
      throw isForbidden(error) || isForeign(error) ? error : toRapidfireError(error, command, { address: connection.address })
    }
  }
  const about = { root: roots[0] as string, key: undefined, part: undefined, since: undefined }
  const exists = async () => {
    const counts = roots.map((root) => {
      const parts = PARTS.map((part) => root + part)
      return ask('exists', parts)
    })
    return (await Promise.all(counts)).some((count) => Number(count) > 0)
  }
  try {
    const isThere = await exists()
    const isListed = (await ask('zscore', [REGISTRY, queue])) !== null
    if (isThere === isListed) return []
    const found = isThere
      ? { ...about, law: 'listed', text: `it is not in ${REGISTRY}, by which queues are found`, repairable: true }
      : { ...about, law: 'listed-is-there', text: `it is in ${REGISTRY}, and there is no such queue`, repairable: true }
    if (!repair) return [found]
    if (!isThere) await ask('zrem', [REGISTRY, queue])
    // Somebody may just have made it, who was in the registry and does not look again.
    if (isThere || (await exists())) await ask('zadd', [REGISTRY, 0, queue])
    return [{ ...found, mended: isThere ? 'it was put there' : 'it was taken out' }]
  } catch (error) {
    if (isForbidden(error)) return []
    if (!isForeign(error)) throw error
    return [{ ...about, law: 'registry-type', text: `${REGISTRY} should be a zset and is something else`, repairable: false }]
  }
}

const isForeign = (error: unknown) => error instanceof Error && /^WRONGTYPE\b/.test(error.message)
