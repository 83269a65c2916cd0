// Generated from lua/ by lua/build. Do not edit: run `npm run build`.

// Times are in ms, sizes in bytes. lua/lib/limits.lua says what each is for.

/** The policy of a queue. */
export const POLICY = {
  wait: { least: 1, most: 31_536_000_000, default: 10_000 },
  maxWait: { least: 1, most: 31_536_000_000, default: 60_000 },
  maxSize: { least: 1, most: 1_000, default: 10 },
  maxBacklog: { least: 1, most: 1_000_000, default: 1_000 },
  maxMessageBytes: { least: 1, most: 16_777_216, default: 262_144 },
  dedupe: { least: 1, most: 31_536_000_000, default: 3_600_000 },
  maxDead: { least: 1, most: 1_000_000, default: 10_000 },
}

/** Options of calls: numbers from `least` to `most`, and texts of at most so many `bytes`. */
export const OPTIONS = {
  id: { bytes: 512 },
  wait: { least: 1, most: 31_536_000_000 },
  maxWait: { least: 1, most: 31_536_000_000 },
  maxSize: { least: 1, most: 1_000 },
  requeued: { bytes: 128 },
  claimed: { least: 1, most: 1_000, default: 10 },
  forwarded: { least: 1, most: 1_000, default: 100 },
  shown: { least: 1, most: 1_000, default: 100 },
  offset: { least: 0, most: 1_000_000, default: 0 },
  lease: { least: 1, most: 86_400_000, default: 30_000 },
  before: { least: 0, most: 9_999_999_999_999 },
  attempts: { least: 1, most: 1_000, default: 5 },
  delay: { least: 0, most: 31_536_000_000, default: 1_000 },
  error: { bytes: 4_096 },
  keep: { bytes: 8_192 },
  reason: { bytes: 256 },
  batch: { bytes: 64 },
  entries: { least: 1, most: 10_000_000, default: 100_000 },
  worker: { bytes: 64 },
  rest: { least: 1, most: 3_600_000, default: 1_000 },
  nonce: { bytes: 64 },
  program: { bytes: 64 },
  generation: { least: 1, most: 999_999 },
  layout: { bytes: 64 },
  prepare: { least: 1, most: 1_024 },
  commit: { least: 0, most: 999_999 },
  settle: { least: 0, most: 999_999 },
  restore: { least: 1, most: 999_999 },
}

/** The most of what is no option. */
export const LIMITS = {
  key: 1_024,
  stream: 128,
  caller: 48,
  pairs: 1_000,
  ids: 100,
  parts: 100,
  revived: 1_000,
  ends: 64,
  moved: 256,
  movedBytes: 262_144,
  movedBatch: 10,
  partitions: 1_024,
  number: 999_999,
  standbys: 1_000,
  appointed: 100,
  asked: 10,
  programs: 4,
  lagAhead: 50,
  lagging: 100,
  claimBytes: 1_048_576,
  claimLooks: 2_000,
  lowered: 100,
  trimmed: 1_000,
  checkLooks: 5_000,
  checkBytes: 4_194_304,
  counted: 5_000,
}
