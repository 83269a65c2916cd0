// `node lua/build/main.mjs` writes src/redis/generated/, `--dist` writes dist/rapidfire.lua for redis-cli,
// `--check` fails when a committed file is not what lua/ gives.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { assemble } from './assemble.mjs'
import { AssembleError } from './check.mjs'
import { emit } from './emit.mjs'

process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
const GENERATED = 'src/redis/generated'

try {
  const built = assemble()
  if (process.argv.includes('--check')) {
    for (const [name, text] of Object.entries(emit(built))) {
      if (readFileSync(`${GENERATED}/${name}`, 'utf8') !== text)
        throw new AssembleError(`${GENERATED}/${name} is stale: run \`npm run build\``)
    }
  } else if (process.argv.includes('--dist')) {
    mkdirSync('dist', { recursive: true })
    writeFileSync('dist/rapidfire.lua', built.library)
  } else {
    mkdirSync(GENERATED, { recursive: true })
    for (const [name, text] of Object.entries(emit(built))) writeFileSync(`${GENERATED}/${name}`, text)
  }
} catch (error) {
  if (!(error instanceof AssembleError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
