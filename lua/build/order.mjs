// In which order the files stand in both builds.
import { dirname } from 'node:path'
import { AssembleError } from './check.mjs'

/** Lua takes no more than this at one place. */
const MOST_LOCALS = 200

/**
 * The library as a list of pieces: a lib file, a function file in a block of its own, or what frames them. Lib files that only the functions of one
 * folder use stand in a block with these, since Lua allows no more than 200 locals at a time.
 */
export function piecesOf(libs, functions) {
  const order = inOrder(libs)
  const folders = new Map(functions.map((each) => [dirname(each.path), []]))
  const shared = []
  for (const lib of order) {
    const users = new Set(functions.filter((each) => filesOf(each, libs).has(lib)).map((each) => dirname(each.path)))
    const [folder, another] = users
    const block = another || !folder ? shared : folders.get(folder)
    block.push(lib)
  }
  const pieces = shared.map(asLib)
  for (const [folder, own] of [...folders].sort()) {
    const inside = functions.filter((each) => dirname(each.path) === folder)
    for (const each of inside) refuseTooMany(each, [...shared, ...own])
    pieces.push({ text: `do -- ${folder}\n` }, ...own.map(asLib), ...inside.flatMap(asFunction), { text: 'end\n' })
  }
  return pieces
}

const asLib = (lib) => ({ lib, path: lib.path, text: lib.text })

/** Its locals are its own. */
const asFunction = (each) => [{ text: 'do\n' }, { function: each, path: each.path, text: each.text }, { text: 'end\n' }]

/** The lib files so that each stands behind those that it uses. */
function inOrder(libs) {
  const order = []
  const place = (lib, users) => {
    if (order.includes(lib)) return
    if (users.includes(lib)) throw new AssembleError(`${lib.path}: uses ${users.at(-1).path}, which uses it`)
    for (const other of usedBy(lib, libs)) place(other, [...users, lib])
    order.push(lib)
  }
  for (const lib of libs) place(lib, [])
  return order
}

/** The lib files that a file uses, those that they use included. */
function filesOf(file, libs, found = new Set()) {
  for (const other of usedBy(file, libs)) {
    if (!found.has(other)) filesOf(other, libs, found.add(other))
  }
  return found
}

const usedBy = ({ globals }, libs) => libs.filter(({ parts }) => parts.some(({ names }) => names.some((name) => globals.has(name))))

function refuseTooMany({ path, tree }, libs) {
  const count = (statements) => statements.reduce((sum, { type, variables }) => sum + (type === 'LocalStatement' ? variables.length : 1), 0)
  // And the version, and what registers.
  const locals = 2 + count(tree.body) + libs.reduce((sum, { parts }) => sum + count(parts.map(({ node }) => node)), 0)
  if (locals > MOST_LOCALS) throw new AssembleError(`${path}: there would be ${locals} locals, and Lua takes ${MOST_LOCALS} at one place`)
}
