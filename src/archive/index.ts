import type { Client, Repository } from 'redis-om'
import { RapidfireError, reasonOf } from '../errors.ts'
import { checkNames, type Names } from '../given.ts'
import { type ArchivedBatch, type ArchivedOptions, archivedOf } from '../history/archived.ts'
import { checkSearch, type Searched, type SearchOptions, type SearchResult, searchByReading } from '../history/search.ts'
import { checkKey } from '../messages/encode.ts'
import { Partitioning } from '../partitions/change.ts'
import { prepare } from '../partitions/policy.ts'
import { checkQueueName, rootKey, rootOfId } from '../partitions/roots.ts'
import { Caller } from '../redis/caller.ts'
import type { Connection } from '../redis/connection.ts'
import type { RedisInput } from '../redis/input.ts'
import { joinRedis } from '../redis/sharing.ts'
import { SOURCE } from '../redis/source.ts'
import { type ArchiveEntity, indexNameOf, indexOf, readEntity, schemaOf } from './schema.ts'

export type { ArchivedBatch, ArchivedOptions } from '../history/archived.ts'
export type { SearchOptions, SearchResult } from '../history/search.ts'

export interface ArchiveOptions {
  /** With a URL, redis-om makes a connection of its own to it. @default 'redis://127.0.0.1:6379' */
  redis?: RedisInput
  /** Name of the queue. @default 'default' */
  queue?: string
}

const ARCHIVE_OPTIONS: Names<ArchiveOptions> = { redis: true, queue: true }

/** What the server finds of a root: nothing, what stands in a field as a whole, or words of texts as well. */
type Index = 'none' | 'fields' | 'words'

/**
 * The archive of a queue, by redis-om. Where the server has a search engine (`FT.SEARCH`), it is asked; the index is made at the first search. Else,
 * and of what it does not find, the archive is read, as `searchByReading` does.
 *
 * @throws RapidfireError `BAD_QUEUE`, `BAD_OPTION`
 * @example
 * const archive = new Archive({ redis: 'redis://127.0.0.1:6379', queue: 'salon' })
 * const { batches } = await archive.search({ text: 'стрижка', from: Date.now() - 7_200_000 })
 * await archive.close()
 */
export class Archive {
  readonly #queue: string
  readonly #url: string | undefined
  readonly #connection: Connection
  readonly #caller: Caller
  readonly #partitioning: Partitioning
  readonly #indexes = new Map<string, Promise<Index>>()
  readonly #repositories = new Map<string, Promise<Repository<ArchiveEntity>>>()
  #client: Promise<Client> | undefined

  constructor(options: ArchiveOptions = {}) {
    checkNames('Archive', options, ARCHIVE_OPTIONS)
    const { redis = 'redis://127.0.0.1:6379', queue = 'default' } = options
    this.#queue = checkQueueName(queue)
    this.#url = typeof redis === 'string' && /^rediss?:\/\//.test(redis) ? redis : undefined
    this.#connection = joinRedis({ redis })
    const start = { queue, root: rootKey(queue), run: (call: never) => prepare(queue, {}, call, this.#partitioning.layout) }
    this.#caller = new Caller(this.#connection, {}, start as never, SOURCE)
    this.#partitioning = new Partitioning(queue, this.#caller.call, () => this.#caller.begin())
  }

  /** The batch with this id, or undefined when it is not there (any more). */
  async get(id: string): Promise<ArchivedBatch | undefined> {
    const root = rootOfId(this.#queue, String(id))
    if (this.#url !== undefined) return readEntity(await (await this.#repository(root)).fetch(String(id)))
    for await (const batch of this.list({ batch: String(id) })) return batch
    return undefined
  }

  /** Batches in the order in which they were completed. */
  list(options: ArchivedOptions = {}): AsyncGenerator<ArchivedBatch, void> {
    return archivedOf(this.#caller, this.#partitioning.layout, options)
  }

  /**
   * Batches of which all holds that is given.
   *
   * @throws RapidfireError `BAD_OPTION`, `BAD_KEY`, `UNAVAILABLE`
   */
  async search(options: SearchOptions = {}): Promise<SearchResult & { by: 'index' | 'reading' }> {
    const searched = checkSearch(options)
    if (searched.key !== undefined) checkKey(searched.key)
    const roots = await this.#caller.underway.run(() => this.#partitioning.layout.everyRoot())
    const indexes = await Promise.all(roots.map((root) => this.#indexOf(root)))
    const needed: Index[] = searched.words.length > 0 ? ['words'] : ['words', 'fields']
    if (!indexes.every((index) => needed.includes(index))) {
      return { ...(await searchByReading({ archived: (wanted) => this.list(wanted) }, options)), by: 'reading' }
    }
    const found = (await Promise.all(roots.map((root) => this.#ask(root, searched)))).flat()
    found.sort((a, b) => a.completedAt - b.completedAt)
    return { batches: found.slice(0, searched.limit), partial: found.length > searched.limit, by: 'index' }
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined)
    await client?.close()
    await this.#caller.close(undefined)
  }

  /** One more than is wanted tells that there are more. */
  async #ask(root: string, { key, words, from, to, reason, limit }: Searched): Promise<ArchivedBatch[]> {
    let search = (await this.#repository(root)).search()
    if (key !== undefined) search = search.and('key').equals(key)
    if (reason !== undefined) search = search.and('reason').equals(reason)
    if (from !== undefined) search = search.and('completedAt').gte(from)
    if (to !== undefined) search = search.and('completedAt').lte(to)
    for (const word of words) search = search.and('text').matches(word)
    const found = await search.sortAscending('completedAt').return.page(0, limit + 1)
    // Of one that has expired meanwhile nothing is there.
    return found.flatMap((entity) => readEntity(entity) ?? [])
  }

  #repository(root: string): Promise<Repository<ArchiveEntity>> {
    let repository = this.#repositories.get(root)
    if (!repository) {
      repository = this.#open().then(async (client) => {
        const om = await redisOm()
        return new om.Repository(schemaOf(om, root), client)
      })
      this.#repositories.set(root, repository)
      repository.catch(() => this.#repositories.delete(root))
    }
    return repository
  }

  #open(): Promise<Client> {
    this.#client ??= redisOm().then(({ Client }) => new Client().open(this.#url as string))
    this.#client.catch(() => (this.#client = undefined))
    return this.#client
  }

  #indexOf(root: string): Promise<Index> {
    let index = this.#indexes.get(root)
    if (!index) {
      index = this.#url === undefined || this.#connection.cluster ? Promise.resolve('none') : this.#makeIndex(root)
      this.#indexes.set(root, index)
      index.catch(() => this.#indexes.delete(root))
    }
    return index
  }

  /** Makes the index if it is not there, and tells what it finds. Whether a server takes texts is found out by trying. */
  async #makeIndex(root: string): Promise<Index> {
    const send = (command: 'command' | 'ft.create', args: string[]) => this.#connection.send(command, args)
    const [known] = (await send('command', ['INFO', 'FT.SEARCH'])) as [unknown]
    if (!known) return 'none'
    for (const words of [true, false]) {
      try {
        await send('ft.create', indexOf(root, words))
        return words ? 'words' : 'fields'
      } catch (error) {
        if (/exists/i.test(reasonOf(error))) return this.#hasWords(root)
      }
    }
    return this.#hasWords(root)
  }

  /** What an index has that was made before, by this or by hand. */
  async #hasWords(root: string): Promise<Index> {
    try {
      const about = JSON.stringify(await this.#connection.send('ft.info', [indexNameOf(root)]), (_, value) =>
        value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value,
      )
      return about.includes('"TEXT"') ? 'words' : 'fields'
    } catch {
      return 'none'
    }
  }
}

/** @throws RapidfireError `BAD_OPTION` where it is not installed */
async function redisOm(): Promise<typeof import('redis-om')> {
  try {
    return await import('redis-om')
  } catch (cause) {
    throw new RapidfireError('BAD_OPTION', 'rapidfire/archive needs a package more: npm install redis-om', { cause })
  }
}
