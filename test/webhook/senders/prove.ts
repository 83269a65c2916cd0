import { createHmac } from 'node:crypto'
import type { Proof } from '../../../src/webhook/index.ts'
import { post } from '../webhook.ts'

export const PUBLIC_URL = 'https://bot.example/webhook?of=salon'

/** A secret for each proof, none of which is another's. */
export const SECRETS = {
  appSecret: 'of Meta',
  telegramSecret: 'of-telegram',
  senderSecret: 'of our own',
  gatewaySecret: 'of-the-gateway',
  twilioSecret: 'of Twilio',
  slackSecret: 'of Slack',
  vkSecret: 'of VK',
  viberSecret: 'of Viber',
  lineSecret: 'of LINE',
  maxSecret: 'of-MAX',
} as const

const hmac = (algorithm: string, secret: string, body: string) => createHmac(algorithm, secret).update(body)

/** The headers by which a body is proved; VK has its secret in the body. */
export const PROVE: Readonly<Record<Proof, (secret: string, body: string) => Record<string, string>>> = {
  app: (secret, body) => ({ 'x-hub-signature-256': `sha256=${hmac('sha256', secret, body).digest('hex')}` }),
  telegram: (secret) => ({ 'x-telegram-bot-api-secret-token': secret }),
  sender: (secret, body) => ({ 'x-hub-signature-256': `sha256=${hmac('sha256', secret, body).digest('hex')}` }),
  gateway: (secret) => ({ authorization: `Bearer ${secret}` }),
  twilio: (secret, body) => {
    const fields = [...new URLSearchParams(body)].sort(([a], [b]) => (a < b ? -1 : 1))
    return { 'x-twilio-signature': hmac('sha1', secret, PUBLIC_URL + fields.flat().join('')).digest('base64') }
  },
  slack: (secret, body) => {
    const time = String(Math.floor(Date.now() / 1000))
    return { 'x-slack-request-timestamp': time, 'x-slack-signature': `v0=${hmac('sha256', secret, `v0:${time}:${body}`).digest('hex')}` }
  },
  vk: () => ({}),
  viber: (secret, body) => ({ 'x-viber-content-signature': hmac('sha256', secret, body).digest('hex') }),
  line: (secret, body) => ({ 'x-line-signature': hmac('sha256', secret, body).digest('base64') }),
  max: (secret) => ({ 'x-max-bot-api-secret': secret }),
}

/** A request with a payload, and with this proof of it. */
export function proved(payload: unknown, proof?: Proof, isForm = false): Request {
  const given = proof === 'vk' ? { ...(payload as object), secret: SECRETS.vkSecret } : payload
  const body = isForm ? new URLSearchParams(given as Record<string, string>).toString() : JSON.stringify(given)
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
  return post(body, { 'content-type': type, ...(proof && PROVE[proof](SECRETS[`${proof}Secret`], body)) })
}
