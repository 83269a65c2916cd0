import { RapidfireError } from '../errors.ts'
import { kindOf, shown } from '../given.ts'

/** Where batches are posted to. */
export interface Receiver {
  /** Without user and password, which `fetch` does not take. */
  url: string
  /** What may be shown of it: paths of webhooks are secrets as well. */
  name: string
  headers: Headers
}

/**
 * @param insecure whether `http://` may lead to another machine
 * @throws RapidfireError `BAD_OPTION`; the URL is not quoted, since it may have a password
 */
export function receiverOf(given: unknown, headers: unknown, insecure: boolean): Receiver {
  const url = urlOf(given)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw bad('it must be a URL that begins with https:// or http://')
  if (url.protocol === 'http:' && !insecure && !isLoopback(url.hostname)) {
    throw bad(`http:// to ${url.hostname} shows everybody on the way what people wrote: take https://, or give insecure: true`)
  }
  const sent = headersOf(headers)
  const { username, password, host } = url
  if (username !== '' || password !== '') {
    const user = [username, password].map(decoded).join(':')
    sent.set('authorization', `Basic ${Buffer.from(user).toString('base64')}`)
  }
  url.username = url.password = url.hash = ''
  return { url: url.href, name: `${url.protocol}//${host}`, headers: sent }
}

const urlOf = (given: unknown): URL | undefined => {
  const text = given instanceof URL ? given.href : given
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
}

/** This machine, by its name or an address of it. */
const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What a delivery or its connection has of its own. */
const RESERVED = /^(content-|webhook-|transfer-encoding$|connection$|keep-alive$|upgrade$|expect$)/i

function headersOf(given: unknown = {}): Headers {
  if (typeof given !== 'object' || given === null) throw new RapidfireError('BAD_OPTION', `headers must be an object, got ${kindOf(given)}`)
  const headers = new Headers()
  for (const [name, value] of Object.entries(given)) {
    try {
      if (typeof value !== 'string' || RESERVED.test(name)) throw new TypeError()
      headers.set(name, value)
    } catch {
      throw new RapidfireError('BAD_OPTION', `headers cannot have ${shown(name)}, or not with this value`)
    }
  }
  return headers
}

const bad = (why: string) => new RapidfireError('BAD_OPTION', `the receiver cannot be posted to: ${why}`)
