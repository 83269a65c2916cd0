import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import luaparse from 'luaparse'
import { describe, expect, it } from 'vitest'

const LUA = fileURLToPath(new URL('../../lua/', import.meta.url))
const FILES = readdirSync(LUA, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.lua'))

/** The names of keys that say in which state a conversation is, and the names that functions have for such a key which they were given. */
const STATE = ['due_key', 'active_key', 'claims_key', 'overrides_key', 'index']
const LIST = ['messages_key', 'list']
const READS = /^(Z(RANGE|REVRANGE|SCORE|MSCORE|CARD|COUNT).*|H(GET|MGET|EXISTS|LEN)|S(CARD|ISMEMBER)|L(LEN|RANGE|INDEX)|TYPE|P?TTL)$/
const LIST_WRITERS = ['push_back', 'pop_back', 'push_front', 'cut_front', 'delete_list', 'copy_back', 'insert_by_time', 'put_for']

/** A node of a syntax tree, as far as it is looked at here. */
interface Node {
  type: string
  name?: string
  raw?: string
  base?: Node
  arguments?: Node[]
  variables?: Node[]
  init?: Node[]
}

interface Write {
  path: string
  key: string
  command: string
}

function each(node: unknown, see: (node: Node) => void): void {
  if (Array.isArray(node)) for (const one of node) each(one, see)
  else if (node && typeof node === 'object') {
    if ('type' in node) see(node as Node)
    for (const value of Object.values(node)) each(value, see)
  }
}

/** `due_key` of `due_key(root)`, or the name of a variable. */
function nameOf(node: Node | undefined): string {
  if (node?.type === 'CallExpression') return nameOf(node.base)
  return node?.name ?? ''
}

/** What a file writes, each with the key as it is named there: by the function that makes it, or by a variable whose value is not made there. */
function writesOf(path: string): { writes: Write[]; calls: string[] } {
  const tree = luaparse.parse(readFileSync(LUA + path, 'utf8'), { luaVersion: '5.1', ranges: false, comments: false })
  const made = new Map<string, string>()
  const writes: Write[] = []
  const calls: string[] = []
  each(tree, (node) => {
    node.variables?.forEach((variable, n) => {
      const value = node.init?.[n]
      if (variable.name && value?.type === 'CallExpression') made.set(variable.name, nameOf(value))
    })
  })
  each(tree, (node) => {
    if (node.type !== 'CallExpression') return
    calls.push(nameOf(node.base))
    const [command, key] = node.arguments ?? []
    const text = command?.raw?.slice(1, -1) ?? ''
    if (!/^[A-Z]+$/.test(text) || READS.test(text)) return
    writes.push({ path, command: text, key: made.get(nameOf(key)) ?? nameOf(key) })
  })
  return { writes, calls }
}

describe('the state of a conversation', () => {
  const writers = (keys: string[]) => FILES.flatMap((path) => writesOf(path).writes.filter(({ key }) => keys.includes(key)))
  const paths = (writes: Write[]) => [...new Set(writes.map(({ path }) => path))].sort()

  it('is written by the steps between states and by what mends, and by nothing else', () => {
    expect(paths(writers(STATE))).toEqual(['lib/change.lua', 'lib/conversation.lua', 'lib/recover.lua'])
  })

  it('is in lists that one file writes, and only the steps have it do so', () => {
    expect(paths(writers(LIST))).toEqual(['lib/list.lua'])
    expect(FILES.filter((path) => writesOf(path).calls.some((name) => LIST_WRITERS.includes(name))).sort()).toEqual([
      'lib/change.lua',
      'lib/conversation.lua',
      'lib/list.lua',
    ])
  })

  it('is found where it is written', () => {
    const commands = writers([...STATE, ...LIST]).map(({ command, key }) => `${command} ${key}`)
    expect(commands).toEqual(
      expect.arrayContaining(['ZADD due_key', 'ZREM active_key', 'HSET claims_key', 'HDEL claims_key', 'SADD overrides_key', 'RPUSH list']),
    )
  })
})
