// The process that a system runs in; see agents.ts for its other end.
import { TASKS, type Tasks } from './tasks.ts'

process.on('message', async ({ task, input }: { task: keyof Tasks; input: never }) => {
  try {
    process.send?.({ output: await TASKS[task](input) })
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) })
  }
})
process.on('disconnect', () => process.exit())
