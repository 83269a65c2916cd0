import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { expect, it } from 'vitest'
import { DOCUMENTS, REPOSITORY, read } from './blocks.ts'

const withoutBlocks = (markdown: string) => markdown.replace(/^ *```[\s\S]*?^ *```/gm, '')

/** What a document links to inside of the repository: a path from its root, and a heading. */
function linksOf(file: string): { path: string; anchor: string | undefined }[] {
  return [...withoutBlocks(read(file)).matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link = '']) => {
    const [path, anchor] = link.split('#')
    return { path: path ? posix.normalize(posix.join(dirname(file), path)) : file, anchor }
  })
}

/** What links name the headings of a document by. */
const anchorsOf = (markdown: string): string[] =>
  [...withoutBlocks(markdown).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\d _-]/gu, '')
      .replaceAll(' ', '-'),
  )

it.each(DOCUMENTS)('%s links to what exists', (file) => {
  const links = linksOf(file)
  expect(links.length).toBeGreaterThan(0)
  expect(links.filter(({ path }) => !existsSync(new URL(path, REPOSITORY)))).toEqual([])
  const headings = links.filter(({ anchor }) => anchor !== undefined)
  expect(headings.filter(({ path, anchor = '' }) => !anchorsOf(readFileSync(new URL(path, REPOSITORY), 'utf8')).includes(anchor))).toEqual(
    [],
  )
})

it('the door leads to every other README', () => {
  const found = new Set(['README.md'])
  for (const file of found) {
    for (const { path } of linksOf(file)) {
      const target = path.endsWith('.md') ? path : posix.join(path, 'README.md')
      if (DOCUMENTS.includes(target)) found.add(target)
    }
  }
  expect([...found].sort()).toEqual([...DOCUMENTS].sort())
})

it('the door is a screen or two, and no line of a README has to be scrolled', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(250)
  // The reference of the Lua library has tables whose cells are compared with the headers: they are as long as they are.
  const mayBeLong = (file: string, line: string) => file === 'lua/README.md' && line.startsWith('|')
  const long = DOCUMENTS.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, n) => (line.length < 120 || mayBeLong(file, line) ? [] : [`${file}:${n + 1} has ${line.length} characters`])),
  )
  expect(long).toEqual([])
})

it('src/README.md begins with a map that names all that is in src, in at most 30 lines', () => {
  const [map = ''] = read('src/README.md').split('\n## ')
  expect(map.split('\n').length).toBeLessThanOrEqual(30)
  const rooms = [...map.matchAll(/^\| \[([^\]]+)\]/gm)].map(([, name]) => name)
  const entries = readdirSync(new URL('src', REPOSITORY), { withFileTypes: true }).map(
    (each) => each.name + (each.isDirectory() ? '/' : ''),
  )
  expect(rooms.sort()).toEqual(entries.filter((name) => name !== 'README.md').sort())
})
