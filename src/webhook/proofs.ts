import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { formOf } from './body.ts'
import type { Proof } from './sources/message.ts'

/** Looks at the headers of a request: undefined when they bring nothing of this proof, else whether it is one for a body. */
export type Check = (headers: Headers) => ((body: Uint8Array) => boolean) | undefined

interface Kind {
  /** What a request must carry, for who is refused; undefined when it stands in the body. */
  header?: string
  check(secret: string, options: { publicUrl?: string | undefined }): Check
}

/** How far the clock of Slack may be from ours, s; an older request may have been recorded by somebody. */
const SLACK_WINDOW = 300

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares a text with `expected` in a time that tells nothing of either. */
export function tokenCheck(expected: string): (given: string | null) => boolean {
  const wanted = digest(expected)
  return (given) => given !== null && timingSafeEqual(digest(given), wanted)
}

/** A header that has the secret itself: known before the body has come. */
function token(header: string): Kind {
  return {
    header,
    check(secret) {
      const isSecret = tokenCheck(secret)
      return (headers) => (isSecret(headers.get(header)) ? () => true : undefined)
    },
  }
}

interface Signature {
  header: string
  algorithm: string
  encoding: 'hex' | 'base64'
  /** The signature within the header is its first group. */
  form: RegExp
}

/** The bytes of a signature in a header; undefined when it has none. */
function signatureIn(headers: Headers, { header, form, encoding }: Signature): Buffer | undefined {
  const found = form.exec(headers.get(header) ?? '')?.[1]
  return found === undefined ? undefined : Buffer.from(found, encoding)
}

/** A header with the HMAC of what was sent. */
function signed(given: Signature): Kind {
  return {
    header: given.header,
    check(secret) {
      const key = createSecretKey(Buffer.from(secret))
      return (headers) => {
        const signature = signatureIn(headers, given)
        return signature && ((body) => timingSafeEqual(signature, createHmac(given.algorithm, key).update(body).digest()))
      }
    },
  }
}

const HUB: Signature = { header: 'X-Hub-Signature-256', algorithm: 'sha256', encoding: 'hex', form: /^sha256=([0-9a-f]{64})$/i }
const WAHA: Signature = { header: 'X-Webhook-Hmac', algorithm: 'sha512', encoding: 'hex', form: /^([0-9a-f]{128})$/i }
const SLACK: Signature = { header: 'X-Slack-Signature', algorithm: 'sha256', encoding: 'hex', form: /^v0=([0-9a-f]{64})$/i }
const TWILIO: Signature = { header: 'X-Twilio-Signature', algorithm: 'sha1', encoding: 'base64', form: /^([A-Za-z0-9+/]{27}=)$/ }

/**
 * What gateways that one runs oneself can bring: the secret as a bearer token, or as the password of the address that they are given
 * (`https://any:secret@host/…`), or the signature of WAHA.
 */
const gateway: Kind = {
  header: 'Authorization',
  check(secret, options) {
    const isSecret = tokenCheck(secret)
    const isSigned = signed(WAHA).check(secret, options)
    return (headers) => {
      const [, scheme, given = ''] = /^(bearer|basic) +(\S+)$/i.exec(headers.get('authorization') ?? '') ?? []
      if (scheme === undefined) return isSigned(headers)
      const isBasic = scheme.toLowerCase() === 'basic'
      const password = isBasic
        ? Buffer.from(given, 'base64')
            .toString()
            .replace(/^[^:]*:/, '')
        : given
      return isSecret(password) ? () => true : isSigned(headers)
    }
  },
}

/** The HMAC of version, time and body; what is older than five minutes is not looked at. */
const slack: Kind = {
  header: SLACK.header,
  check(secret) {
    const key = createSecretKey(Buffer.from(secret))
    return (headers) => {
      const time = headers.get('x-slack-request-timestamp') ?? ''
      if (!/^\d{1,11}$/.test(time) || Math.abs(Date.now() / 1000 - Number(time)) > SLACK_WINDOW) return undefined
      const signature = signatureIn(headers, SLACK)
      return signature && ((body) => timingSafeEqual(signature, createHmac('sha256', key).update(`v0:${time}:`).update(body).digest()))
    }
  },
}

/** The HMAC of the address as Twilio knows it, and of the fields, sorted by their names: not of bytes. */
const twilio: Kind = {
  header: TWILIO.header,
  check(secret, { publicUrl = '' }) {
    const key = createSecretKey(Buffer.from(secret))
    return (headers) => {
      const signature = signatureIn(headers, TWILIO)
      return (
        signature &&
        ((body) => {
          const fields = formOf(body)
          if (!fields) return false
          const said = [...fields].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).flat()
          return timingSafeEqual(signature, createHmac('sha1', key).update(publicUrl).update(said.join('')).digest())
        })
      )
    }
  },
}

/**
 * VK has the secret in the body, and no header. A body without it may ask for the confirmation of the address, which VK does before it knows
 * of a secret: the answer proves to nobody but VK that this is the server of the community.
 */
const vk: Kind = {
  check(secret) {
    const isSecret = tokenCheck(secret)
    return () => (body) => {
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      // Bodies of others are not parsed twice.
      if (!bytes.includes('"group_id"')) return false
      try {
        const { type, secret: given } = JSON.parse(bytes.toString())
        return given === undefined ? type === 'confirmation' : typeof given === 'string' && isSecret(given)
      } catch {
        return false
      }
    }
  },
}

/** How each proof is looked for in a request. */
export const PROOFS: Readonly<Record<Proof, Kind>> = {
  app: signed(HUB),
  telegram: token('X-Telegram-Bot-Api-Secret-Token'),
  sender: signed(HUB),
  gateway,
  twilio,
  slack,
  vk,
  viber: signed({ header: 'X-Viber-Content-Signature', algorithm: 'sha256', encoding: 'hex', form: /^([0-9a-f]{64})$/i }),
  line: signed({ header: 'X-Line-Signature', algorithm: 'sha256', encoding: 'base64', form: /^([A-Za-z0-9+/]{43}=)$/ }),
  max: token('X-Max-Bot-Api-Secret'),
}
