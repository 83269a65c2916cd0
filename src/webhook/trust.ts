import { Refusal } from './problem.ts'
import { type Check, PROOFS } from './proofs.ts'
import type { Proof, Source } from './sources/message.ts'

/** The secrets by which requests are told from forged ones; at least one is needed, unless all sources are `unsigned`. */
export interface Secrets {
  /** The app secret of Meta: the WhatsApp Cloud API, Messenger and Instagram sign with it, in `X-Hub-Signature-256`. */
  appSecret?: string
  /** The `secret_token` of Telegram's setWebhook, which comes as `X-Telegram-Bot-Api-Secret-Token`: 1 to 256 letters, digits, `_` or `-`. */
  telegramSecret?: string
  /** A secret of your own: your senders, Baileys, venom-bot and whatsapp-web.js sign with it as Meta does, in `X-Hub-Signature-256`. */
  senderSecret?: string
  /**
   * A secret of your own for gateways that you run and that cannot sign so (Evolution API, WAHA, wppconnect-server, open-wa, Chatwoot): it comes as
   * `Authorization: Bearer …`, as the password in the address that the gateway posts to, or WAHA signs with it as its `hmac.key`.
   */
  gatewaySecret?: string
  /** The auth token of the Twilio account, which `X-Twilio-Signature` is made with; needs `publicUrl` as well. */
  twilioSecret?: string
  /** The signing secret of the Slack app. */
  slackSecret?: string
  /** The secret key of the callback server in a VK community, which comes in the body. */
  vkSecret?: string
  /** The auth token of the Viber bot, which `X-Viber-Content-Signature` is made with. */
  viberSecret?: string
  /** The channel secret of LINE, which `X-Line-Signature` is made with. */
  lineSecret?: string
  /** The `secret` of the subscription of a MAX bot, which comes as `X-Max-Bot-Api-Secret`. */
  maxSecret?: string
}

/** The name of the secret of each proof. */
export const SECRETS = Object.fromEntries(Object.keys(PROOFS).map((proof) => [proof, `${proof}Secret`])) as {
  readonly [P in Proof]: `${P}Secret`
}

/** Decides which sources may read a request: those whose proof it brings, and those that need none. */
export class Trust<T> {
  readonly #sources: readonly Source<T>[]
  readonly #isUnsigned: (source: Source<T>) => boolean
  /** Of the proofs that a source asks for and a secret is given for. */
  readonly #checks: readonly (readonly [Proof, Check])[]
  /** Whether headers alone never tell who may post. */
  readonly #isOpen: boolean
  readonly #challenge: string

  /** @param unsigned names of the sources that need no proof */
  constructor(sources: readonly Source<T>[], options: Secrets & { publicUrl?: string }, unsigned: readonly string[]) {
    this.#sources = sources
    this.#isUnsigned = ({ name }) => unsigned.includes(name)
    const isAsked = (proof: Proof) => options[SECRETS[proof]] !== undefined && sources.some((source) => source.proof === proof)
    const given = (Object.keys(PROOFS) as Proof[]).filter(isAsked)
    this.#checks = given.map((proof) => [proof, PROOFS[proof].check(options[SECRETS[proof]] as string, options)])
    this.#isOpen = sources.some((source) => source.verify || this.#isUnsigned(source))
    this.#challenge = [...new Set(given.flatMap((proof) => PROOFS[proof].header ?? []))].join(', ')
  }

  /**
   * Looks at the headers alone: a stranger is turned away before the body is read. The sources that may read the body when it has come.
   *
   * @throws Refusal `BAD_SIGNATURE`
   */
  expect(request: Request): (body: Uint8Array) => Source<T>[] {
    const found: [Proof, (body: Uint8Array) => boolean][] = []
    for (const [proof, check] of this.#checks) {
      const isProved = check(request.headers)
      if (isProved) found.push([proof, isProved])
    }
    if (found.length === 0 && !this.#isOpen) throw this.refusal()
    return (body) => {
      const proofs = new Set<Proof>()
      for (const [proof, isProved] of found) if (isProved(body)) proofs.add(proof)
      // A promise is no yes.
      const isTrusted = (source: Source<T>) =>
        (source.proof && proofs.has(source.proof)) || this.#isUnsigned(source) || source.verify?.(request, body) === true
      const trusted = this.#sources.filter(isTrusted)
      if (trusted.length === 0) throw this.refusal()
      return trusted
    }
  }

  refusal(): Refusal {
    return new Refusal('BAD_SIGNATURE', this.#challenge === '' ? {} : { 'www-authenticate': this.#challenge })
  }
}
