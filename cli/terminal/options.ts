import { InvalidArgumentError, Option } from 'commander'

/** An option that takes an integer, from the command line or from an environment variable. */
export function integerOption(flags: string, description: string, variable: string, least: number, most: number): Option {
  return new Option(flags, description).env(variable).argParser((text: string) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be an integer from ${least} to ${most}.`)
  })
}
