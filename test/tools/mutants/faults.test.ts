import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { assemble } from '../../../lua/build/assemble.mjs'
import { useRedis } from '../../support/redis.ts'
import { apply } from './fault.ts'
import { FAULTS } from './faults.ts'

const root = mkdtempSync(join(tmpdir(), 'rapidfire-faults-'))
afterAll(() => rmSync(root, { recursive: true }))

// What does not load would be caught by every test, and prove nothing.
it('every fault still applies, assembles, loads and changes the library', { timeout: 120_000 }, async () => {
  cpSync(fileURLToPath(new URL('../../../lua', import.meta.url)), root, { recursive: true })
  const { redis } = await useRedis()
  const { library } = assemble({ root })
  for (const fault of FAULTS) {
    const remove = apply(fault, root)
    const faulty = assemble({ root }).library
    remove()
    expect(faulty).not.toBe(library)
    await redis.function('LOAD', 'REPLACE', faulty)
  }
  expect(assemble({ root }).library).toBe(library)
})
