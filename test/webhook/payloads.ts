import fc from 'fast-check'

const NAMES = [
  ...[
    'object',
    'entry',
    'changes',
    'field',
    'value',
    'messages',
    'contacts',
    'metadata',
    'from',
    'id',
    'timestamp',
    'type',
    'text',
    'body',
  ],
  ...[
    'profile',
    'name',
    'wa_id',
    'group_id',
    'image',
    'caption',
    'interactive',
    'context',
    '_serialized',
    'fromMe',
    'author',
    'sender',
    't',
  ],
  ...[
    'update_id',
    'message',
    'message_id',
    'chat',
    'date',
    'photo',
    'file_id',
    'reply_to_message',
    'business_connection_id',
    'key',
    'data',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'toJSON', 'length', ''],
]

/** Anything that JSON can say, with the names that the sources look for, and texts that mean something to somebody. */
export const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      ...NAMES,
      'whatsapp_business_account',
      'messages',
      'text',
      'status@broadcast',
      '1749416383',
      '\ud800',
      '\u0000',
      'a'.repeat(1025),
    ),
    fc.string({ unit: 'binary' }),
    fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.constantFrom(1e300, -0, 2 ** 53)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fc.constantFrom(...NAMES), tie('value')), { maxLength: 6 }).map(toObject),
  ),
})).value

/** An object with these members of its own, also when one is named `__proto__`, as `JSON.parse` makes it. */
function toObject(members: [string, unknown][]): unknown {
  return JSON.parse(`{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`)
}

/** The payload with some of its values, wherever they are, replaced or left out. */
export const spoiled = (payload: unknown) => {
  const count = places(payload)
  return fc.array(fc.tuple(fc.nat(count - 1), fc.option(anything, { nil: undefined })), { minLength: 1, maxLength: 4 }).map((changes) => {
    const byPlace = new Map(changes)
    let place = 0
    const visit = (value: unknown): unknown => {
      const here = place++
      const rest = Array.isArray(value)
        ? value.map(visit)
        : value !== null && typeof value === 'object'
          ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, visit(each)]))
          : value
      return byPlace.has(here) ? byPlace.get(here) : rest
    }
    return visit(payload)
  })
}

function places(value: unknown): number {
  if (value === null || typeof value !== 'object') return 1
  return Object.values(value).reduce<number>((sum, each) => sum + places(each), 1)
}
