import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Instructions of each row, for each way to call. */
export interface Prices {
  functions: Record<string, number>
  scripts: Record<string, number>
}

export const PRICES_FILE: string = fileURLToPath(new URL('./prices.json', import.meta.url))

/** What was measured, by the build of Redis: on another one the same call takes other instructions. */
export const PRICES: Record<string, Prices> = existsSync(PRICES_FILE) ? JSON.parse(readFileSync(PRICES_FILE, 'utf8')) : {}
