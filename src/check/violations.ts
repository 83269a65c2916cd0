import { MISPLACING } from '../redis/generated/laws.ts'

/** A law that is broken. */
export interface Violation {
  /** Its name; lua/README.md has the laws of a root, src/partitions/root-laws.ts those between roots, and listed.ts those of the registry. */
  law: string
  /** The conversation, or undefined when it concerns the queue. */
  key: Buffer | undefined
  /** The key in Redis without the root and its colon, as `rapidfire_repair` takes it; undefined for the root. */
  part: Buffer | undefined
  text: string
  /** When the oldest message concerned was received, or a batch died, ms since 1970. */
  since: number | undefined
  /** Whether `rapidfire_repair` mends it without loss. */
  repairable: boolean
}

/** What `check` found broken. */
export interface Found extends Violation {
  /** Root key of the queue, or of the partition, in which it was found. */
  root: string
  /** What was done about it; the next look found it in order. */
  mended?: string
  /** Why it could not be mended: the next look found it again. */
  unmended?: string
}

/** What `rapidfire_check` tells of a part, or of the root. */
export interface Judged {
  key: Buffer | undefined
  since: number | undefined
  /** How many it has; of the root all that are held or dead, undefined when there are too many keys to count them at one moment. */
  messages: number | undefined
  broken: Pick<Violation, 'law' | 'text' | 'repairable'>[]
}

export function readJudged([key, since, messages, ...broken]: unknown[]): Judged {
  const time = Number(String(since))
  return {
    key: (key as Buffer).length > 0 ? (key as Buffer) : undefined,
    since: String(since) !== '' && Number.isFinite(time) ? time : undefined,
    messages: Number(messages) < 0 ? undefined : Number(messages),
    broken: (broken as [Buffer, Buffer, number][]).map(([law, text, repairable]) => ({
      law: law.toString(),
      text: text.toString(),
      repairable: Number(repairable) === 1,
    })),
  }
}

/** The violations of a part, or of the root. */
export const violationsOf = ({ key, since, broken }: Judged, part: Buffer | undefined): Violation[] =>
  broken.map((each) => ({ ...each, key, part, since }))

/** Whether the counters can be compared with what is held, while these laws are broken: not when messages are where they are not counted. */
export const isCountable = (broken: readonly Violation[]): boolean => !broken.some(({ law }) => MISPLACING.has(law))
