import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'

describeBindings('version', (lua) => {
  it('is the one of the package, and needs no key', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await lua().callWith('version', [])).toBe(version)
    expect(await lua().callWith('version', [lua().root])).toBe(version)
    expect(await lua().keyspace()).toEqual({})
  })
})
