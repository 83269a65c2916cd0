import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares a text with `expected` in a time that tells nothing of either. */
export function tokenCheck(expected: string): (given: string | null) => boolean {
  const wanted = digest(expected)
  return (given) => given !== null && timingSafeEqual(digest(given), wanted)
}

/** Checks an `X-Hub-Signature-256` header: `sha256=` and the HMAC of the bytes of the body. */
export function signatureCheck(secret: string): (header: string | null, body: Uint8Array) => boolean {
  const key = createSecretKey(Buffer.from(secret))
  return (header, body) => {
    const given = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1]
    return given !== undefined && timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', key).update(body).digest())
  }
}
