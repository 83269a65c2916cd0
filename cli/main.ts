#!/usr/bin/env node
import { createProgram } from './program.ts'
import { report } from './terminal/report.ts'

// `rapidfire load --print | head` closes the pipe early, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

// The exit code is set and never forced, so that what was written to a pipe arrives.
try {
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
