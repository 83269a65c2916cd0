import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { Refusal } from './problem.ts'
import type { Proof, Source } from './sources/message.ts'

/** The secrets by which requests are told from forged ones; at least one is needed, unless all sources are `unsigned`. */
export interface Secrets {
  /** The app secret of Meta: the WhatsApp Cloud API signs with it, in `X-Hub-Signature-256`. */
  appSecret?: string
  /** The `secret_token` of Telegram's setWebhook, which comes as `X-Telegram-Bot-Api-Secret-Token`: 1 to 256 letters, digits, `_` or `-`. */
  telegramSecret?: string
  /** A secret of your own: your senders, venom-bot and whatsapp-web.js sign with it as Meta does, in `X-Hub-Signature-256`. */
  senderSecret?: string
}

export const SECRETS = { app: 'appSecret', telegram: 'telegramSecret', sender: 'senderSecret' } as const satisfies Record<
  Proof,
  keyof Secrets
>

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares a text with `expected` in a time that tells nothing of either. */
export function tokenCheck(expected: string): (given: string | null) => boolean {
  const wanted = digest(expected)
  return (given) => given !== null && timingSafeEqual(digest(given), wanted)
}

/** Makes the HMAC-SHA256 that a body must be signed with. */
function signer(secret: string): (body: Uint8Array) => Buffer {
  const key = createSecretKey(Buffer.from(secret))
  return (body) => createHmac('sha256', key).update(body).digest()
}

/** The 32 bytes of an `X-Hub-Signature-256` header, `sha256=` and 64 hex digits; undefined when it is none. */
function readSignature(header: string | null): Buffer | undefined {
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1]
  return hex === undefined ? undefined : Buffer.from(hex, 'hex')
}

/** Decides which sources may read a request: those whose proof it brings, and those that need none. */
export class Trust<T> {
  readonly #sources: readonly Source<T>[]
  readonly #isUnsigned: (source: Source<T>) => boolean
  readonly #isTelegram: ((given: string | null) => boolean) | undefined
  readonly #signers: [proof: Proof, sign: (body: Uint8Array) => Buffer][]
  readonly #challenge: string

  /** @param unsigned names of the sources that need no proof */
  constructor(sources: readonly Source<T>[], { appSecret, telegramSecret, senderSecret }: Secrets, unsigned: readonly string[]) {
    this.#sources = sources
    this.#isUnsigned = ({ name }) => unsigned.includes(name)
    this.#isTelegram = telegramSecret === undefined ? undefined : tokenCheck(telegramSecret)
    const secrets = [
      ['app', appSecret],
      ['sender', senderSecret],
    ] as const
    this.#signers = secrets.flatMap(([proof, secret]) => (secret === undefined ? [] : [[proof, signer(secret)]]))
    const asked = [this.#signers.length > 0 && 'X-Hub-Signature-256', telegramSecret !== undefined && 'X-Telegram-Bot-Api-Secret-Token']
    this.#challenge = asked.filter(Boolean).join(', ')
  }

  /**
   * Looks at the headers alone: a stranger is turned away before the body is read. The sources that may read the body when it has come.
   *
   * @throws Refusal `BAD_SIGNATURE`
   */
  expect(headers: Headers): (body: Uint8Array) => Source<T>[] {
    const hasToken = this.#isTelegram?.(headers.get('x-telegram-bot-api-secret-token')) === true
    const signature = this.#signers.length > 0 ? readSignature(headers.get('x-hub-signature-256')) : undefined
    const isOpen = this.#sources.some(this.#isUnsigned)
    if (!hasToken && !signature && !isOpen) throw this.refusal()
    return (body) => {
      const proofs = new Set<Proof>(hasToken ? ['telegram'] : [])
      if (signature) for (const [proof, sign] of this.#signers) if (timingSafeEqual(signature, sign(body))) proofs.add(proof)
      const trusted = this.#sources.filter((source) => proofs.has(source.proof) || this.#isUnsigned(source))
      if (trusted.length === 0) throw this.refusal()
      return trusted
    }
  }

  refusal(): Refusal {
    return new Refusal('BAD_SIGNATURE', this.#challenge === '' ? {} : { 'www-authenticate': this.#challenge })
  }
}
