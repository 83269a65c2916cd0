import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { TEST_SOURCE } from '../support/source.ts'
import { add, lose, policy, push, tick } from './calls.ts'
import { claim, consume, forward } from './claims.ts'
import { cut, cutAdd, cutComplete, cutForward } from './cut.ts'
import { runHistories, runHistory } from './histories.ts'
import type { Step } from './step.ts'
import { World } from './world.ts'

/** HISTORIES=5000 for as many that nobody has seen, SEED=… for those that were printed; without either the same ones each time. */
const HISTORIES = Number(process.env.HISTORIES ?? 200)
const SEED = process.env.HISTORIES === undefined ? 7 : undefined

const say = (id: string) => add([{ key: 'ann', id, data: 'plain' }])

const HOW = { nonce: false, look: false }

/** Those that chance finds too seldom to be left to it. */
const SELDOM: [what: string, steps: Step[]][] = [
  [
    'an id comes while the clock is behind, to others that came under a longer policy',
    [policy({ dedupe: 10_000 }), say('m2'), policy({ dedupe: 500 }), tick(-500), say('m1'), tick(3000), say('m1'), tick(30_000), say('m1')],
  ],
  [
    'a message that finds no room cannot be taken back, and begins a slice',
    [
      policy({ maxSize: 1, maxBacklog: 1 }),
      say('m1'),
      tick(3000),
      cutAdd([{ key: 'ann', id: 'm4', data: 'plain' }], 'rpop'),
      tick(1),
      say('m4'),
    ],
  ],
  [
    'a claim that finds nothing may not read when ids are forgotten',
    [
      ...[
        say('m1'),
        tick(999),
        say('m2'),
        policy({ dedupe: 1 }),
        cut('forward', cutForward('other', 1, 1, undefined), { ...HOW, lacking: 'hget' }),
      ],
      ...[policy({ dedupe: 3000 }), say('m2')],
    ],
  ],
  [
    'a key with options has lost its entry, and an earlier message has closed its batch',
    [
      add([{ key: 'ann', id: undefined, data: 'plain', flush: true }]),
      lose('ann'),
      add([{ key: 'ann', id: undefined, data: 'plain' }]),
      claim({ limit: 1, lease: 1000, attempts: 1, ago: undefined, worker: undefined }),
    ],
  ],
  [
    'a worker may not ask how long a list is that has more behind its batch',
    [
      ...[
        say('m1'),
        tick(1000),
        claim({ limit: 1, lease: 1000, attempts: 1, ago: undefined, worker: undefined }),
        push({ key: 'ann', data: 'nan' }),
      ],
      cut('complete', cutComplete([0]), { ...HOW, lacking: 'llen' }),
    ],
  ],
  [
    'a stream lets go a part of what is done, since a large entry is kept by itself',
    [
      add(['ann', 'bob', 'carl'].map((key) => ({ key, id: undefined, data: key === 'ann' ? 'large' : 'plain' }))),
      tick(1000),
      forward({ name: 'other', limit: 2, longest: 2, worker: undefined }),
      consume({ name: 'other', count: 2 }),
      cut('forward', cutForward('other', 1, 3, undefined), { ...HOW, lacking: 'set' }),
    ],
  ],
  [
    'a full stream lets go a part of what is done',
    [
      add(['ann', 'bob', 'carl'].map((key) => ({ key, id: undefined, data: key === 'ann' ? 'large' : 'plain' }))),
      tick(1000),
      forward({ name: 'other', limit: 2, longest: 2, worker: undefined }),
      consume({ name: 'other', count: 2 }),
      forward({ name: 'other', limit: 2, longest: 2, worker: undefined }),
    ],
  ],
]

describeBindings('every history keeps the promises', (lua) => {
  it(`${HISTORIES} of them`, { timeout: 120_000 + HISTORIES * 1000 }, async () => {
    const { histories, steps } = await runHistories(new World(lua().redis, lua().mode, TEST_SOURCE), HISTORIES, SEED)
    console.log(`${lua().mode}: ${histories} histories, ${steps} steps`)
    expect(histories).toBe(HISTORIES)
  })

  it.each(SELDOM)('%s', async (_, steps) => {
    const world = new World(lua().redis, lua().mode, TEST_SOURCE)
    await world.load()
    await runHistory(world, steps)
  })
})
