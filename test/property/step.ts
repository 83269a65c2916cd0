import type fc from 'fast-check'
import { compareKeyspace, type Keyspace } from './keyspace.ts'
import type { Model } from './model.ts'
import type { Excused, World } from './world.ts'

/** One of them is not UTF-8 and looks like much that is no key. */
export const KEYS = ['ann', 'bob', 'carl', '{}:due \xff\0\r\n"\'1 2,F']

/** A step of a history. */
export type Step = fc.AsyncCommand<Model, World>

/** What `check` may find: what was done by hand, and that the clock has gone back. */
function excuses({ pushed, lost, ahead }: Model): Excused {
  return {
    ...{ readable: pushed, counters: lost.length > 0, 'messages-indexed': lost },
    ...{ received: ahead.received, 'due-ahead': ahead.due, 'due-in-time': ahead.late, 'lease-ends': ahead.held },
  }
}

/** Does something in both worlds, compares what they say, and then everything that is there. */
export function step(
  name: string,
  what: unknown,
  run: (model: Model, world: World) => Promise<Keyspace>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Step {
  return {
    check,
    run: async (model, world) => {
      world.excused = excuses(model)
      compareKeyspace(model, await run(model, world))
    },
    toString: () => `${name} ${JSON.stringify(what)}`,
  }
}
