import { setTimeout as sleep } from 'node:timers/promises'
import type { RapidFire } from '../../../src/rapidfire.ts'
import { eventually } from './company.ts'

/** For how long Redis may be away, ms. */
const MOST = 60_000

/**
 * Erases one person after the other while everything fails that can fail. What erase has said is done is done: nothing of the person is there any
 * more, neither what waited, nor what a worker had in hand or had given up, nor what was forwarded.
 */
export class LiveErase {
  readonly #queue: RapidFire
  readonly broken: string[] = []
  erased = 0
  /** Of whom something may come yet. */
  readonly #open: string[] = []
  readonly #ended: Promise<void>
  #stopping = false

  /** @param queue that nobody else uses */
  constructor(queue: RapidFire) {
    this.#queue = queue
    this.#ended = this.#run()
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#stopping; n += 1) {
      const key = `person ${n}`
      try {
        await this.#fill(key, n)
        await eventually(() => this.#queue.erase(key), MOST)
        await eventually(() => this.#expectNothing(key), MOST)
        this.erased += 1
      } catch {
        // What has failed may be done all the same, and later.
        this.#open.push(key)
      }
      await sleep(50)
    }
    for (const key of this.#open) await eventually(() => this.#queue.erase(key), MOST)
  }

  async #fill(key: string, n: number): Promise<void> {
    const say = (options: object) => this.#queue.addMessage(key, { n }, { id: `${n}`, ...options })
    if (n % 4 === 0) await say({ wait: 3_600_000, maxWait: 3_600_000 })
    else await say({ flush: true })
    if (n % 4 === 1) await this.#queue.forward('batches')
    if (n % 4 < 2) return
    for (const batch of (await this.#queue.claimReady()).batches) if (n % 4 === 3) await this.#queue.fail(batch, { attempts: 1 })
  }

  async #expectNothing(key: string): Promise<void> {
    const { size } = await this.#queue.peek(key)
    const dead = (await this.#queue.dead()).filter((batch) => batch.key === key).length
    const { streamEntries } = await this.#queue.erase(key)
    if (size + dead + streamEntries === 0) return
    this.broken.push(`after ${key} was erased there were ${size} messages, ${dead} dead batches and ${streamEntries} entries of streams`)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#ended.catch((error) => this.broken.push(`nobody could be erased: ${error}`))
  }
}
