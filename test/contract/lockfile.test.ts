import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

// npm leaves out what is for other platforms when it writes a lockfile beside what it has installed, and `npm ci` then refuses it there: write it
// with `npm install --package-lock-only` in a folder without node_modules.
it.each(['.', 'test/tools/bench'])('the lockfile of %s names what other platforms need', (folder) => {
  const { packages } = JSON.parse(readFileSync(new URL(`../../${folder}/package-lock.json`, import.meta.url), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>
  }
  const lacking = Object.entries(packages).flatMap(([at, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !packages[`node_modules/${name}`] && !packages[`${at}/node_modules/${name}`]),
  )
  expect(lacking).toEqual([])
})
