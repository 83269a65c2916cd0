import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, type PrivateRedis, startRedis } from '../../cli/demo/private-redis.ts'

const run = promisify(execFile)

/** What is said where there is no openssl, no server, or one that was built without TLS. */
const LACKING = /openssl ENOENT|no redis-server found|Bad directive/

/** A server as a hosted one is: reached by TLS, with a password. */
export interface TlsRedis {
  port: number
  server: PrivateRedis
}

/** Starts one whose certificate is for localhost and made by `ca.pem`, which is put into `folder`; undefined where that cannot be done. */
export async function startTlsRedis(folder: string): Promise<TlsRedis | undefined> {
  const at = (name: string) => join(folder, name)
  const port = await freePort()
  try {
    const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
    const key = ['-newkey', 'rsa:2048', '-nodes']
    await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=authority of the tests')
    await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
    await writeFile(at('server.ext'), 'subjectAltName=DNS:localhost')
    const signing = ['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
    await openssl(...signing, '-extfile', 'server.ext', '-out', 'server.pem', '-days', '2')
    const files = ['--tls-cert-file', at('server.pem'), '--tls-key-file', at('server.key'), '--tls-ca-cert-file', at('ca.pem')]
    const server = await startRedis(['--tls-port', String(port), '--tls-auth-clients', 'no', ...files, '--requirepass', 'secret'])
    return { port, server }
  } catch (error) {
    const { message } = error as Error
    if (!LACKING.test(message)) throw error
    console.warn(`skipped: the blocks that need TLS: ${message}`)
    return undefined
  }
}
