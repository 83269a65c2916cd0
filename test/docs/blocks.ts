import { readdirSync, readFileSync } from 'node:fs'

export const REPOSITORY = new URL('../../', import.meta.url)

/** Every README of the repository, the door first: one that is added is checked like the others. */
export const DOCUMENTS: readonly string[] = findDocuments('')

function findDocuments(folder: string): string[] {
  const entries = readdirSync(new URL(folder || '.', REPOSITORY), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$|coverage$)/.test(entry.name))
  return [
    ...entries.filter((entry) => entry.name === 'README.md').map(({ name }) => `${folder}${name}`),
    ...folders.flatMap(({ name }) => findDocuments(`${folder}${name}/`)),
  ].sort((a, b) => a.split('/').length - b.split('/').length || a.localeCompare(b))
}

export interface Block {
  /** What stands behind the opening fence. */
  kind: string
  /** Line of the opening fence. */
  line: number
  text: string
}

export const read = (file: string): string => readFileSync(new URL(file, REPOSITORY), 'utf8')

/** The fenced code blocks of a Markdown text. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: Block | undefined
  markdown.split('\n').forEach((text, n) => {
    const fence = /^ *(?:```|~~~)(.*)$/.exec(text)
    if (fence && open) open = undefined
    else if (fence) blocks.push((open = { kind: (fence[1] as string).trim(), line: n + 1, text: '' }))
    else if (open) open.text += `${text}\n`
  })
  if (open) throw new Error(`the block of line ${open.line} has no end`)
  return blocks
}

/** The commands of a shell block, one a line: a backslash at the end of a line goes on in the next. */
export const linesOf = (text: string): string[] =>
  text
    .replace(/ *\\\n */g, ' ')
    .split('\n')
    .filter((line) => line !== '')

/** The rows of the table that begins with this head, each as its cells. */
export function tableOf(markdown: string, head: string): string[][] {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => line.startsWith(head))
  if (start < 0) throw new Error(`no table begins with ${head}`)
  const rows: string[][] = []
  for (let n = start + 2; lines[n]?.startsWith('|'); n += 1) {
    rows.push(
      (lines[n] as string)
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.replaceAll('\\|', '|').trim()),
    )
  }
  return rows
}

/** The words in backticks. */
export const codes = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((found) => found[1] as string)
