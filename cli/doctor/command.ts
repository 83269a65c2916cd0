/** How the servers let one in. */
export interface Access {
  password: boolean
  tls: boolean
}

/** A name as the shell takes it: a server tells what it is called. */
export const quoted = (name: string) => (/^[\w.,:/@%+-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`)

/**
 * What a person types to mend something. It must do as it stands, and shows no password: redis-cli asks for that of the user `default`, since
 * what mends is the right of an administrator and not of whom doctor connects as. A command of ours takes REDIS_URL, which no list of processes shows.
 */
export class Commands {
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }

  /** For any server. */
  redisCli(command: string): string {
    const { password, tls } = this.#access
    return ['redis-cli', tls && '--tls', password && '--askpass', command].filter(Boolean).join(' ')
  }

  /** For one server. */
  redisCliOn(address: string, command: string): string {
    if (address.startsWith('/')) return this.redisCli(`-s ${quoted(address)} ${command}`)
    const at = address.lastIndexOf(':')
    return this.redisCli(`-h ${quoted(address.slice(0, at))} -p ${quoted(address.slice(at + 1))} ${command}`)
  }

  rapidfire(address: string, command: string): string {
    const { password, tls } = this.#access
    return `npx rapidfire ${command}${password || tls ? '' : ` --redis ${quoted(address.startsWith('/') ? address : `redis://${address}`)}`}`
  }
}
