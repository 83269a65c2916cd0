// In which order the files stand in both builds.
import { dirname } from 'node:path'
import { AssembleError } from './check.mjs'

/** Lua takes no more than this at one place. */
const MOST_LOCALS = 200

/**
 * The library as a list of pieces: a lib file, a function file in a block of its own, or what frames them. Lua allows no more than 200 locals at a
 * time. So lib files that only the functions of one folder use stand in a block with these, and what a lib file has for itself alone in a block of
 * its own.
 */
export function piecesOf(libs, functions) {
  const order = inOrder(libs)
  const exportsOf = (lib) =>
    namesOf(lib).filter((name) => [...libs, ...functions].some((other) => other !== lib && other.globals.has(name)))
  const asLib = (lib) => enclosed(lib, exportsOf(lib))
  const folders = new Map(functions.map((each) => [dirname(each.path), []]))
  const shared = []
  for (const lib of order) {
    const users = new Set(functions.filter((each) => filesOf(each, libs).has(lib)).map((each) => dirname(each.path)))
    const [folder, another] = users
    const block = another || !folder ? shared : folders.get(folder)
    block.push(lib)
  }
  const pieces = shared.flatMap(asLib)
  for (const [folder, own] of [...folders].sort()) {
    const inside = functions.filter((each) => dirname(each.path) === folder)
    const before = [...shared, ...own].map((lib) => ({ lib, exported: exportsOf(lib).length }))
    for (const each of inside) refuseTooMany(each, before)
    pieces.push({ text: `do -- ${folder}\n` }, ...own.flatMap(asLib), ...inside.flatMap(asFunction), { text: 'end\n' })
  }
  return pieces
}

const namesOf = ({ parts }) => parts.flatMap(({ names }) => names)

/** A lib file, in which all but what others use is local to a block. */
function enclosed(lib, exported) {
  const { path, text, parts } = lib
  const isExported = ({ names }) => names.some((name) => exported.includes(name))
  const declared = parts.filter(isExported)
  if (declared.length === 0 || declared.length === parts.length) return [{ lib, path, text }]
  // They are declared in front of the block.
  const body = declared.toReversed().reduce((all, { range: [from] }) => all.slice(0, from) + all.slice(from).replace(/^local\s+/, ''), text)
  const declarations = declared.map(({ names }) => `local ${names.join(', ')}\n`)
  return [{ text: `${declarations.join('')}do\n` }, { lib, path, text: body }, { text: 'end\n' }]
}

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
  // The version, whether calls remember, and what registers.
  let locals = 3
  for (const { lib, exported } of libs) {
    refuse(lib.path, locals + namesOf(lib).length)
    locals += exported
  }
  refuse(path, locals + count(tree.body))
}

function refuse(path, locals) {
  if (locals > MOST_LOCALS) throw new AssembleError(`${path}: there would be ${locals} locals, and Lua takes ${MOST_LOCALS} at one place`)
}
