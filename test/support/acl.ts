import type { Redis } from 'ioredis'
import type { Role } from '../../cli/doctor/rights.ts'
import { blocksOf, linesOf, read, tableOf } from '../docs/blocks.ts'

const DOCUMENT = 'cli/README.md'

/** The rules of a user, as cli/README.md gives them to ACL SETUSER. */
export function rulesOf(role: Role): string[] {
  const start = `redis-cli ACL SETUSER ${role} `
  const lines = blocksOf(read(DOCUMENT)).flatMap(({ text }) => linesOf(text))
  const line = lines.find((each) => each.startsWith(start))
  if (!line) throw new Error(`${DOCUMENT} has no ACL line for a ${role}`)
  return line
    .slice(start.length)
    .split(' ')
    .map((rule) => rule.replace(/^'(.*)'$/, '$1'))
}

/** The rights that cli/README.md names for something in its table of additions. */
export function additionsFor(what: string): { more: string[]; instead: string[] } {
  const rows = tableOf(read(DOCUMENT), '| for | rights').filter(([name]) => name?.startsWith(what))
  if (rows.length === 0) throw new Error(`${DOCUMENT} names no rights for ${what}`)
  const texts = rows.map(([, text = '']) => text.split('instead of'))
  const rights = (part: number) =>
    texts.flatMap((text) => [...(text[part] ?? '').matchAll(/`(\+[^`]+)`/g)]).map((found) => found[1] as string)
  return { more: rights(0), instead: rights(1) }
}

export const setUser = (redis: Redis, role: Role, ...more: string[]) =>
  redis.call('ACL', 'SETUSER', role, 'reset', ...rulesOf(role), ...more)

/** A URL for a user, by default with the password of cli/README.md. */
export const urlOf = (url: string, username: string, password = 'secret') => String(Object.assign(new URL(url), { username, password }))
