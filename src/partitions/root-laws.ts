import type { Found } from '../check/violations.ts'
import { type Gift, isSameChange, type Layout, type RootLayout, rootsBetween } from './roots.ts'

/** What must hold between the roots of a queue: which of them serve, and by which policy. `rapidfire check` and `rapidfire doctor` go by it. */

/** A law between roots that is broken, and what restoring does about it. */
export interface RootViolation extends Found {
  repair: string
}

type Broken = (root: string, law: string, text: string, repair?: string) => void

/** @param told what each root tells that was found or is named by a layout */
export function judgeRoots(queueRoot: string, told: ReadonlyMap<string, RootLayout>): RootViolation[] {
  const violations: RootViolation[] = []
  const broken: Broken = (root, law, text, repair) =>
    violations.push({
      ...{ root, law, text, key: undefined, part: undefined, since: undefined },
      ...{ repairable: repair !== undefined, repair: repair ?? '' },
    })
  const own = told.get(queueRoot)
  if (!own) return violations
  judgeGifts(queueRoot, own, broken)
  const [knows, newest] = [...told].reduce((best, each) => (each[1].layout.generation > best[1].layout.generation ? each : best), [
    queueRoot,
    own,
  ] as [string, RootLayout])
  if (own.layout.state === 'preparing') {
    const { count } = own.layout.other
    broken(queueRoot, 'change-ends', `a change to ${count} partitions was begun and has not been ended`, 'the change was ended')
    return violations
  }
  judgeLayouts(queueRoot, told, knows, newest.layout, broken)
  judgePolicies(queueRoot, told, newest.layout, broken)
  return violations
}

function judgeLayouts(queueRoot: string, told: ReadonlyMap<string, RootLayout>, knows: string, newest: Layout, broken: Broken): void {
  const { generation, serving, state, other } = newest
  const serve = new Set(rootsBetween(queueRoot, serving))
  const drained = new Set(state === 'draining' ? rootsBetween(queueRoot, other) : [])
  const named = (layout: Layout) => {
    const last = layout.serving.first + layout.serving.count - 1
    return layout.serving.count === 0 ? 'none' : `${layout.serving.first} to ${last}`
  }
  for (const [root, { layout, serves, since, keys }] of told) {
    const behind = `it has missed a change of the partitions: the last that it knows is number ${Math.max(since, layout.generation)}, ${knows} knows ${generation}`
    const held = `${keys} conversation${keys === 1 ? ' has' : 's have'} messages in it`
    if (layout.generation === generation && generation > 0 && !isSameChange(layout, newest)) {
      broken(root, 'one-layout', `it takes ${named(layout)} for the partitions that serve, and ${knows} takes ${named(newest)}`)
    }
    if (root === queueRoot && layout.generation < generation) {
      broken(
        root,
        'layout-known',
        `${behind}: who asks here does not find the messages in the newer ones`,
        'it knows the newest partitions again',
      )
    }
    if (serve.has(root)) {
      if (serves === 'unused') broken(root, 'serves', 'it should serve, and refuses all messages: it has lost its data', 'it serves')
      else if (serves === 'retired') broken(root, 'serves', 'it should serve, and was retired, which cannot be undone')
      else if (since < generation) broken(root, 'layout-known', behind, 'it serves')
    } else if (serves === 'open') {
      const text = `it takes messages of new conversations, though it does not belong to the partitions that serve; ${held}`
      // One that was opened by hand in a queue without partitions: there is nobody to take its messages.
      broken(root, 'serves-no-more', text, generation > 0 ? 'it serves no more, and workers take what is left in it' : undefined)
    } else if (generation > 0 && (serves === 'retired' || keys > 0) && since < generation && (drained.has(root) || keys > 0)) {
      broken(root, 'drained', `${held}, and nobody looks there: ${behind}`, 'workers take what is left in it')
    }
  }
}

/** The root of the queue decides; what it has not stored is as it is by default, which a partition may have stored. */
function judgePolicies(queueRoot: string, told: ReadonlyMap<string, RootLayout>, newest: Layout, broken: Broken): void {
  const decided = Object.entries(told.get(queueRoot)?.policy ?? {})
  // One that has come back empty, and takes nothing new, needs none.
  const isEmpty = ({ keys, policy, serves }: RootLayout) => serves === 'retired' && keys === 0 && Object.keys(policy).length === 0
  for (const root of [
    ...rootsBetween(queueRoot, newest.serving),
    ...(newest.state === 'draining' ? rootsBetween(queueRoot, newest.other) : []),
  ]) {
    const known = told.get(root)
    if (!known || root === queueRoot || known.serves === 'unused' || isEmpty(known)) continue
    const policy = known.policy as Record<string, number>
    const differing = decided.filter(([name, value]) => policy[name] !== value)
    if (differing.length === 0) continue
    const texts = differing.map(([name, value]) => `${name} is ${policy[name] ?? 'not set'} here and ${value} in the root of the queue`)
    broken(root, 'policy-differs', texts.join(', '), 'the policy of the root of the queue was stored here')
  }
}

/** Programs that give different values: each of them, when it starts, undoes what the other did. */
function judgeGifts(queueRoot: string, { given }: RootLayout, broken: Broken): void {
  for (const [member, gifts] of given) {
    const other = disagreeing(gifts)
    const [last] = gifts
    if (!other || !last) continue
    const text = `${member} is set to ${other.value} by ${shown(other)} and to ${last.value} by ${shown(last)}: each start undoes the other`
    broken(queueRoot, 'programs-agree', text)
  }
}

const nameOf = ({ program }: Gift) => program.split('@')[0]
const shown = ({ program }: Gift) => program.replace('@', ' on ')

/**
 * The latest that another program has given, and differs. Of one program, a difference may be a deploy: only when one host has given its value
 * again, after another had given its own, two of them run at once.
 */
function disagreeing([last, ...earlier]: readonly Gift[]): Gift | undefined {
  if (!last) return undefined
  const [before, first] = earlier
  const differs = (gift: Gift) => gift.value !== last.value
  const returned =
    before && first && differs(before) && !differs(first) && first.program === last.program && before.program !== last.program
  return earlier.find((gift) => differs(gift) && nameOf(gift) !== nameOf(last)) ?? (returned ? before : undefined)
}
