import { UsageError } from './errors.ts'

/**
 * Loads what only one command needs, packages that the user installs.
 *
 * @param what needs them, in the words of the user
 * @param packages in the line that installs them
 * @throws UsageError when one is not installed: which, and that line
 */
export async function needed<Parts>(what: string, packages: string, load: () => Promise<Parts>): Promise<Parts> {
  try {
    return await load()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const [, missing] = /^Cannot find (?:package|module) '((?:@[^/']+\/)?[^/'.]+)/.exec(message) ?? []
    if (!code.endsWith('MODULE_NOT_FOUND') || !missing) throw error
    throw new UsageError(`${what} needs ${missing}, which is not installed: npm install ${packages}`)
  }
}
