import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { RapidfireError } from '../errors.ts'

// The rules of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. Their npm package computes SHA-256 in
// JavaScript, which would hold the event loop up for some ms with each large body, and brings two packages more; the tests verify with it.

/** Bytes of a secret, by the rules. */
const BYTES = { least: 24, most: 64 }

/**
 * What signs a delivery: with each of the secrets, so that a receiver may have either while they are changed.
 *
 * @param secrets `whsec_` and 24 to 64 bytes in base64
 * @throws RapidfireError `BAD_OPTION`
 */
export function signer(secrets: readonly string[]): (id: string, at: Date, body: Uint8Array) => Record<string, string> {
  const keys = secrets.map(keyOf)
  if (keys.length === 0) throw bad('there is none')
  return (id, at, body) => {
    const timestamp = String(Math.floor(at.getTime() / 1000))
    const sign = (key: KeyObject) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
    return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': keys.map(sign).join(' ') }
  }
}

function keyOf(secret: unknown): KeyObject {
  const [, text] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(typeof secret === 'string' ? secret : '') ?? []
  const bytes = Buffer.from(text ?? '', 'base64')
  if (text === undefined) throw bad(secret === undefined || secret === '' ? 'there is none' : 'one is of another form')
  // Node reads base64 as far as it is some.
  if (bytes.toString('base64').replaceAll('=', '') !== text.replaceAll('=', '')) throw bad('one is no base64')
  if (bytes.length < BYTES.least || bytes.length > BYTES.most) throw bad(`one has ${bytes.length} bytes`)
  return createSecretKey(bytes)
}

const bad = (why: string) =>
  new RapidfireError('BAD_OPTION', `secret must be whsec_ and ${BYTES.least} to ${BYTES.most} bytes in base64, or a list of such: ${why}`)
