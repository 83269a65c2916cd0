// Events as lua/lib/events.lua writes them, and what they say of a queue when they are taken one after the other. Told apart from the client on purpose.

export interface Told {
  event: string
  key: string
  /** All other fields, and those that hold for all of the same event. */
  fields: Record<string, string>
  ids: string[]
}

/** The events of an entry, by its fields and values in turn. */
export function eventsOf(flat: readonly string[]): Told[] {
  const told: Told[] = []
  let shared: Record<string, string> = {}
  let last: Told | undefined
  for (let n = 0; n < flat.length; n += 2) {
    const [name, value] = flat.slice(n, n + 2) as [string, string]
    if (name === 'event') {
      shared = { event: value }
      last = undefined
    } else if (name === 'key') {
      const { event = '', ...fields } = shared
      last = { event, key: value, fields, ids: [] }
      told.push(last)
    } else if (name === 'id') last?.ids.push(value)
    else (last?.fields ?? shared)[name] = value
  }
  return told
}

/** What is open, and what is dead: of each key how many messages it has, and its batch, if somebody has one; of each dead batch how many messages. */
export interface Folded {
  keys: Map<string, { size: number; batch?: { id: string; count: number; state: 'held' | 'paused' | 'released' } }>
  dead: Map<string, number>
}

/** Takes one event more. */
export function fold({ keys, dead }: Folded, { event, key, fields, ids }: Told): void {
  const [id, count] = [fields.batch as string, Number(fields.count)]
  const grow = (by: number) => {
    const conversation = keys.get(key) ?? { size: 0 }
    conversation.size += by
    if (conversation.size > 0) keys.set(key, conversation)
    else keys.delete(key)
    return conversation
  }
  const is = (state: 'held' | 'paused' | 'released') => {
    const { batch } = grow(-Number(fields.done ?? 0))
    Object.assign(keys.get(key) ?? {}, { batch: { id, count: state === 'released' ? batch?.count : count, state } })
  }
  const end = () => {
    delete grow(-count - Number(fields.done ?? 0)).batch
  }
  const steps: Record<string, () => void> = {
    added: () => void grow(ids.length),
    withdrawn: () => void grow(-ids.length),
    requeued: () => {
      grow(id ? count : ids.length)
      dead.delete(id)
    },
    claimed: () => is('held'),
    failed: () => is('paused'),
    released: () => is('released'),
    completed: end,
    forwarded: end,
    dead: () => {
      end()
      dead.set(id, count)
    },
    dropped: () => dead.delete(id),
  }
  steps[event]?.()
}
