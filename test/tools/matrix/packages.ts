import { execFile } from 'node:child_process'
import { access, chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where Debian keeps what it is installed from; which of them is there depends on its version. */
const SOURCES = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Fetches servers from a suite of Debian that is newer than this system, with every library that they need, into a folder of their own. Nothing of
 * the system is changed: apt is told that nothing is installed, and where to keep its lists.
 *
 * @param folder is reused when it is there already
 * @returns for each of `servers` a program to start it with, such as `<folder>/valkey-server`
 * @throws Error when this system has no apt, or the suite cannot be fetched
 */
export async function fetchPackages(suite: string, servers: string[], folder: string): Promise<string[]> {
  const done = resolve(folder, suite)
  const programs = servers.map((server) => join(done, server))
  if (await exists(join(done, 'ready'))) return programs
  const base = resolve(folder, `${suite}.part`)
  const apt = await aptIn(base, suite)
  await apt('-y', '--download-only', '--no-install-recommends', 'install', ...servers)
  for (const name of await readdir(join(base, 'cache/archives'))) {
    if (name.endsWith('.deb')) await run('dpkg-deb', ['-x', join(base, 'cache/archives', name), join(base, 'root')])
  }
  const libraries = (await readdir(join(base, 'root/usr/lib'))).find((name) => name.endsWith('-linux-gnu')) ?? ''
  const loader = (await readdir(join(base, 'root/usr/lib', libraries))).find((name) => /^ld-linux.*\.so/.test(name))
  for (const server of servers) {
    const lib = `"$root"/usr/lib/${libraries}`
    const program = `#!/bin/sh\nroot=${done}/root\nexec ${lib}/${loader} --argv0 ${server} --library-path ${lib} "$root"/usr/bin/${server} "$@"\n`
    await writeFile(join(base, server), program)
    await chmod(join(base, server), 0o755)
  }
  await writeFile(join(base, 'ready'), '')
  await rm(join(base, 'cache'), { recursive: true })
  await rename(base, done)
  return programs
}

/**
 * Fetches a package of the Debian that this system is, whose programs need no library but those that any system has, into a folder of its own.
 *
 * @param folder is reused when it is there already
 * @param others packages that it needs, into the same folder
 * @returns the folder that has the files of the package, such as `usr/bin`
 * @throws Error when this system is no Debian, or the package cannot be fetched
 */
export async function fetchPackage(name: string, folder: string, ...others: string[]): Promise<string> {
  const done = resolve(folder, name)
  if (await exists(done)) return done
  const [, suite] = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8')) ?? []
  if (suite === undefined) throw new Error('this system does not say which Debian it is')
  // Several test runs may fetch it at a time.
  const base = resolve(folder, `${name}.part-${process.pid}`)
  try {
    const apt = await aptIn(base, suite)
    await apt('-y', 'download', name, ...others)
    for (const file of await readdir(base)) if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(base, file), join(base, 'root')])
    await rename(join(base, 'root'), done).catch(async (error) => {
      if (!(await exists(done))) throw error
    })
    return done
  } finally {
    await rm(base, { recursive: true, force: true })
  }
}

/** An apt that knows one suite of Debian, keeps all of its files in `base`, works there, and takes nothing for installed. */
async function aptIn(base: string, suite: string): Promise<(...args: string[]) => Promise<unknown>> {
  await rm(base, { recursive: true, force: true })
  for (const part of ['lists/partial', 'cache/archives/partial']) await mkdir(join(base, part), { recursive: true })
  await writeFile(join(base, 'sources.list'), `deb [signed-by=${KEYRING}] ${await mirror()} ${suite} main\n`)
  await writeFile(join(base, 'status'), '')
  const settings = {
    'Dir::Etc::SourceList': join(base, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::lists': join(base, 'lists'),
    'Dir::State::status': join(base, 'status'),
    'Dir::Cache': join(base, 'cache'),
    // Another apt of this system is in nobody's way.
    'Debug::NoLocking': '1',
    // Seconds: a network that is closed is not waited for.
    'Acquire::http::Timeout': '20',
  }
  const options = ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
  const apt = (...args: string[]) => run('apt-get', [...options, ...args], { cwd: base })
  await apt('update')
  return apt
}

/** What a server says that it is, such as `Redis 8.0.2`. */
export async function versionOf(program: string): Promise<string> {
  const { stdout } = await run(program, ['--version'])
  const [, name, version] = /^(\w+) server v=(\S+)/.exec(stdout) ?? []
  return `${name} ${version}`
}

/** The mirror that this system is installed from. */
async function mirror(): Promise<string> {
  for (const file of SOURCES) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const [, uri] = /^URIs: (\S+)|^deb (?:\[.*?\] )?(\S+)/m.exec(text)?.filter((found) => found) ?? []
    if (uri) return uri
  }
  throw new Error(`no mirror of Debian in ${SOURCES.join(' or ')}`)
}

const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  )
