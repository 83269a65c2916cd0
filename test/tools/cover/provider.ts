// The tests run the command line in processes of its own. Each writes its coverage into a folder; here it takes the place of files of
// which the tests themselves have run less. The two cannot be added up: they come from different compilers, which place statements differently.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import v8 from '@vitest/coverage-v8'
import { V8CoverageProvider } from '@vitest/coverage-v8/dist/provider.js'

const CLI = new URL('../../../dist/cli/', import.meta.url).href

interface Script {
  url: string
  functions: unknown[]
}

/** What a process has run; nothing when it was killed while it wrote that down. */
function scriptsIn(path: string): Script[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).result
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    console.log(`${path} is cut off: what its process has run does not count`)
    return []
  }
}

class Provider extends V8CoverageProvider {
  override async generateCoverage(context: Parameters<V8CoverageProvider['generateCoverage']>[0]) {
    const coverage = await super.generateCoverage(context)
    const processes = this.createCoverageMap()
    const folder = process.env.PROCESS_COVERAGE as string
    for (const name of readdirSync(folder)) {
      for (const { url, functions } of scriptsIn(join(folder, name))) {
        if (!url.startsWith(CLI)) continue
        const [code, map] = readFileSync(fileURLToPath(url), 'utf8').split(/^\/\/# sourceMappingURL=.*base64,/m) as [string, string]
        const sources = { code, map: JSON.parse(Buffer.from(map, 'base64').toString()) }
        // Private, and the same that the coverage of the tests goes through; hence the exact version in package.json.
        processes.merge(await (this as any).remapCoverage(url, 0, sources, functions))
      }
    }
    const share = (map: typeof coverage, file: string) => (map.files().includes(file) ? map.fileCoverageFor(file).toSummary().lines.pct : 0)
    processes.filter((file: string) => share(processes, file) > share(coverage, file))
    coverage.filter((file: string) => !processes.files().includes(file))
    coverage.merge(processes)
    return coverage
  }
}

export default { ...v8, getProvider: () => new Provider() }
