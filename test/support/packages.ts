import { fileURLToPath } from 'node:url'
import { fetchPackage } from '../tools/matrix/packages.ts'

/** What is fetched is kept until `make clean`. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/packages', import.meta.url))

/** The folder into which a package of Debian was unpacked, with what it needs; undefined, and what is skipped for it is printed, where it cannot be had. */
export async function debian(skipped: string, name: string, ...needed: string[]): Promise<string | undefined> {
  try {
    return await fetchPackage(name, CACHE, ...needed)
  } catch (error) {
    skip(skipped, error as Error)
    return undefined
  }
}

export function skip(skipped: string, error: Error & { stderr?: string }): void {
  console.warn(`skipped: ${skipped}: ${(error.stderr || error.message).trim().split('\n')[0]}`)
}
