/** What went wrong, in one line for a person; exit code 1. */
export class CliError extends Error {}

/** The command was given wrongly; exit code 2. */
export class UsageError extends CliError {}

/** A signal ended the command; exit code 128 and its number, as shells do it. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(signal)
    this.signal = signal
  }
}
