import { existsSync } from 'node:fs'
import type { System, SystemOptions } from './system.ts'

interface Kind {
  title: string
  /** Loaded only in the process that runs it, so that none pays for the packages of another. */
  open: (options: SystemOptions) => Promise<System>
  /** Those that its client sends, as INFO commandstats names them; what a script calls is counted in the script. */
  commands: readonly string[]
  /** The npm package that it needs besides those of rapidfire. */
  needs?: string
  ids?: true
  /** What rapidfire keeps beside what it needs. Compared with `rapidfire` alone, in one table. */
  policy?: { archive: number } | { events: number }
}

const kind = <K extends Kind>(each: K) => each

export const SYSTEMS = {
  raw: kind({ title: 'raw RPUSH', commands: ['rpush'], open: async (options) => (await import('./raw.ts')).raw(options) }),
  floor: kind({
    title: 'RPUSH + ZADD in a function',
    commands: ['fcall'],
    open: async (options) => (await import('./floor.ts')).floor(options),
  }),
  rapidfire: kind({
    title: 'rapidfire',
    commands: ['fcall'],
    open: async (options) => (await import('./rapidfire.ts')).rapidfire(options),
  }),
  rapidfireIds: kind({
    title: 'rapidfire, with ids',
    commands: ['fcall'],
    ids: true,
    open: async (options) => (await import('./rapidfire.ts')).rapidfire(options),
  }),
  rapidfireArchive: kind({
    title: 'rapidfire, with an archive',
    commands: ['fcall'],
    policy: { archive: 3_600_000 },
    open: async (options) => (await import('./rapidfire.ts')).rapidfire(options),
  }),
  rapidfireEvents: kind({
    title: 'rapidfire, with events',
    commands: ['fcall'],
    policy: { events: 10_000 },
    open: async (options) => (await import('./rapidfire.ts')).rapidfire(options),
  }),
  poller: kind({
    title: 'once-a-second poller',
    commands: ['rpush', 'set', 'scan', 'get', 'lrange', 'del'],
    open: async (options) => (await import('./poller.ts')).poller(options),
  }),
  bee: kind({
    title: 'bee-queue + lists',
    commands: ['rpush', 'evalsha', 'unlink', 'brpoplpush', 'exec'],
    needs: 'bee-queue',
    open: async (options) => (await import('./bee-queue.ts')).beeQueue(options),
  }),
  groupmq: kind({
    title: 'groupmq + lists',
    commands: ['rpush', 'evalsha', 'unlink', 'bzpopmin'],
    needs: 'groupmq',
    open: async (options) => (await import('./groupmq.ts')).groupmq(options),
  }),
  bullmq: kind({
    title: 'BullMQ + lists',
    commands: ['rpush', 'evalsha', 'unlink', 'bzpopmin'],
    needs: 'bullmq',
    open: async (options) => (await import('./bullmq.ts')).bullmq(options),
  }),
}

export type SystemName = keyof typeof SYSTEMS

/** Those that each table has. */
export const ALL = (Object.keys(SYSTEMS) as SystemName[]).filter((name) => !('policy' in SYSTEMS[name]))

/** Those that handle batches. */
export const WORKING = ALL.filter((name) => !['raw', 'floor', 'rapidfireIds'].includes(name))

/** Those that take a lease on a batch, so that a crash does not lose it, and are not ours. */
export const LEASING = ['bee', 'groupmq', 'bullmq'] as const satisfies SystemName[]

/** Whether a package of the bench's own package.json is installed. */
export const isInstalled = (name: string) => existsSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))
