import { vi } from 'vitest'
import { createProgram } from '../../cli/program.ts'
import { report } from '../../cli/terminal/report.ts'
import type { Ended } from '../support/shell.ts'

/** Runs a command in this process, one at a time: as `rapidfire` of shell.ts, without what a process costs. */
export async function command(args: string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' }
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((...texts) => void (written.stdout += `${texts.join(' ')}\n`)),
    vi.spyOn(console, 'error').mockImplementation((...texts) => void (written.stderr += `${texts.join(' ')}\n`)),
    ...(['stdout', 'stderr'] as const).map((name) =>
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        written[name] += text
        return true
      }),
    ),
  ]
  const before = process.exitCode
  process.exitCode = 0
  try {
    await createProgram().parseAsync(args, { from: 'user' })
    return { code: Number(process.exitCode), ...written }
  } catch (error) {
    return { code: report(error), ...written }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}
