import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Handler } from '../../src/index.ts'
import { UsageError } from '../terminal/errors.ts'
import { needed } from '../terminal/needed.ts'

/**
 * The function that a file exports: by `export default`, `module.exports =` or `exports.default =`. TypeScript is run by tsx, in packages of
 * both types.
 *
 * @throws UsageError
 */
export async function loadHandler(module: string): Promise<Handler<unknown>> {
  const file = resolve(module)
  await access(file).catch(() => {
    throw new UsageError(`there is no file ${module}`)
  })
  if (/\.[cm]?tsx?$/.test(file)) await useTsx(module)
  const exported = await load(file).catch((error: unknown) => {
    const [line] = String(error instanceof Error ? error.message : error).split('\n')
    throw new UsageError(`${module} cannot be loaded: ${line}`)
  })
  const handler = functionOf(exported)
  if (handler) return handler
  throw new UsageError(`the default export of ${module} must be a function that takes a batch, got ${typeof exported.default}`)
}

interface Exported {
  default?: unknown
}

async function load(file: string): Promise<Exported> {
  // Imported, such a file could not require what is an ES module, as rapidfire is.
  if (file.endsWith('.cts')) return { default: createRequire(file)(file) }
  return await import(pathToFileURL(file).href)
}

/** A file that was compiled to CommonJS has its default export one deeper. */
function functionOf({ default: exported }: Exported): Handler<unknown> | undefined {
  const found = (exported as Exported | undefined)?.default ?? exported
  return typeof found === 'function' ? (found as Handler<unknown>) : undefined
}

/** Both at once: which kind of module a file is, the nearest package.json says, and one kind may load the other. */
async function useTsx(module: string): Promise<void> {
  const load = () => Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')])
  const apis = await needed(`${module}, which is TypeScript,`, 'tsx', load)
  for (const { register } of apis) register()
}
