import type { Redis } from 'ioredis'
import type { Role } from '../../cli/doctor/rights.ts'
import { read } from '../docs/blocks.ts'

/** The rules of a user, as README.md gives them to ACL SETUSER. */
export function rulesOf(role: Role): string[] {
  const line = new RegExp(`^redis-cli ACL SETUSER ${role} (.*)$`, 'm').exec(read('README.md'))?.[1]
  if (!line) throw new Error(`README.md has no ACL line for a ${role}`)
  return line.split(' ').map((rule) => rule.replace(/^'(.*)'$/, '$1'))
}

/** The rights that README.md names for something in its table of additions. */
export function additionsFor(what: string): { more: string[]; instead: string[] } {
  const row = read('README.md')
    .split('\n')
    .find((line) => line.startsWith(`| ${what}`))
  if (!row) throw new Error(`README.md names no rights for ${what}`)
  const [more = '', instead = ''] = row.replaceAll('\\|', '|').split('instead of')
  const rights = (text: string) => [...text.matchAll(/`(\+[^`]+)`/g)].map((found) => found[1] as string)
  return { more: rights(more), instead: rights(instead) }
}

export const setUser = (redis: Redis, role: Role, ...more: string[]) =>
  redis.call('ACL', 'SETUSER', role, 'reset', ...rulesOf(role), ...more)

/** A URL with the password of README.md. */
export const urlOf = (url: string, role: Role) => url.replace('://', `://${role}:secret@`)
