import {
  type ChatMessage,
  type ChatOptions,
  checkChat,
  inOrder,
  isObject,
  list,
  member,
  milliseconds,
  type Source,
  text,
} from './message.ts'
import { readWeb, serialized, type WebOptions } from './whatsapp-web.ts'

/**
 * Events of wppconnect-server: messages, withdrawals and, with `reactions`, reactions. The others are ignored, as are messages of the account itself. The
 * key is `wppconnect:<session>:<chat>`, the chat such as `79001234567@c.us`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function wppconnect(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('wppconnect', options)
  return {
    name: 'wppconnect',
    proof: 'gateway',
    read(payload) {
      const [event, account] = [text(member(payload, 'event')), text(member(payload, 'session'))]
      // WAHA has its messages in a member of their own.
      if (event === undefined || account === undefined || member(payload, 'payload') !== undefined) return undefined
      const whose = { ...options, source: 'wppconnect', account }
      const message = WPPCONNECT.get(event)?.(payload)
      const found = message === undefined ? undefined : readWeb(message, whose)
      return found ? inOrder([found]) : []
    },
  }
}

const WPPCONNECT = new Map<string, (payload: object) => unknown>([
  ['onmessage', (payload) => payload],
  ['unreadmessages', (payload) => payload],
  [
    'onrevokedmessage',
    (payload) => ({
      ...payload,
      type: 'revoked',
      protocolMessageKey: member(payload, 'refId'),
    }),
  ],
  [
    'onreactionmessage',
    (payload) => ({
      msgId: member(payload, 'msgId'),
      senderId: member(payload, 'sender') ?? member(member(payload, 'id'), 'participant') ?? member(member(payload, 'id'), 'remote'),
      fromMe: member(member(payload, 'id'), 'fromMe'),
      reaction: member(payload, 'reactionText') ?? '',
      timestamp: secondsOf(member(payload, 'timestamp')),
    }),
  ],
])

/** Of a time in ms or in seconds. */
function secondsOf(time: unknown): unknown {
  return milliseconds(time) !== undefined ? time : Math.floor(Number(time) / 1000)
}

/**
 * Events of the easy API of open-wa: messages, and withdrawals. The others are ignored, as are messages of the account itself. The key is
 * `open-wa:<session>:<chat>`, the chat such as `79001234567@c.us`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function openWa(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('openWa', options)
  return {
    name: 'open-wa',
    proof: 'gateway',
    read(payload) {
      const [event, account] = [text(member(payload, 'event')), text(member(payload, 'sessionId'))]
      const data = member(payload, 'data')
      if (event === undefined || account === undefined || data === undefined) return undefined
      const messages = OPEN_WA.get(event)?.(data) ?? []
      const whose: WebOptions = { ...options, source: 'open-wa', account }
      const found = messages.filter(isObject).map((message) => readWeb(message, whose))
      return inOrder(found.filter((message) => message !== undefined))
    },
  }
}

const OPEN_WA = new Map<string, (data: unknown) => readonly unknown[]>([
  ['onMessage', (data) => [data]],
  ['onAnyMessage', (data) => [data]],
  ['onUnreadMessage', (data) => (Array.isArray(data) ? list(data) : [data])],
  ['onMessageDeleted', (data) => [{ ...(data as object), type: 'revoked', protocolMessageKey: serialized(member(data, 'id')) }]],
])
