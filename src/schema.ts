import { RapidfireError } from './errors.ts'

/** The part of Standard Schema (https://standardschema.dev) that rapidfire uses; zod, valibot and arktype schemas have it. */
export interface Schema<T, Input = T> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>
    readonly types?: { readonly input: Input; readonly output: T } | undefined
  }
}

type SchemaResult<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] }

/** What the schema makes of `data`. Throws `BAD_DATA` when it refuses it. */
export async function validated<T>(schema: Schema<T, unknown>, data: unknown): Promise<T> {
  const result = await schema['~standard'].validate(data)
  if (!result.issues) return result.value
  throw new RapidfireError('BAD_DATA', `the schema refuses the data: ${result.issues.map((issue) => issue.message).join('; ')}`)
}
