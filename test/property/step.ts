import type fc from 'fast-check'
import { compareKeyspace, type Keyspace } from './keyspace.ts'
import type { Model } from './model.ts'
import type { World } from './world.ts'

/** One of them is not UTF-8 and looks like much that is no key. */
export const KEYS = ['ann', 'bob', 'carl', '{}:due \xff\0\r\n"\'1 2,F']

/** A step of a history. */
export type Step = fc.AsyncCommand<Model, World>

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
      world.damaged = { foreign: model.pushed, lost: model.lost }
      compareKeyspace(model, await run(model, world))
    },
    toString: () => `${name} ${JSON.stringify(what)}`,
  }
}
