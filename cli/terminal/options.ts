import { InvalidArgumentError, Option } from 'commander'

interface Range {
  least: number
  most: number
  default?: number
}

/** An option that takes an integer, from the command line or from an environment variable. */
export function integerOption(flags: string, description: string, variable: string, range: Range): Option {
  const { least, most, default: usual } = range
  const option = new Option(flags, description).env(variable).argParser((text: string) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be an integer from ${least} to ${most}.`)
  })
  return usual === undefined ? option : option.default(usual)
}
