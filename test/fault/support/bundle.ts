import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const bundles = new Map<string, Promise<string[]>>()

/**
 * What Node runs for a TypeScript file: one JavaScript file with all that it imports, made once. Compiling each file in each process takes most
 * of a second of it.
 */
export function runnable(script: URL): Promise<string[]> {
  const path = fileURLToPath(script)
  let bundle = bundles.get(path)
  if (!bundle) {
    bundle = bundled(path)
    bundles.set(path, bundle)
  }
  return bundle
}

async function bundled(path: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rapidfire-bundle-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const outfile = join(folder, `${basename(path, '.ts')}.mjs`)
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    sourcemap: 'inline',
    logLevel: 'error',
    // What is CommonJS among it requires modules of Node.
    banner: { js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)" },
  })
  return ['--enable-source-maps', outfile]
}
