import type { Edit } from './mutants.ts'

/** What the operators make and no test can notice, each with the reason. */
export const EQUIVALENT: (Edit & { why: string })[] = []
