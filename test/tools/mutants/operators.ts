/**
 * Small faults as anyone might make them, each an operator on the syntax tree. None depends on how a line is written, so rearranging the Lua
 * files breaks no operator. What another mutant includes is left out: a test that notices a condition that always holds also notices
 * one that is turned round, and one that notices each operand missing also notices `and` in the place of `or`.
 */
import luaparse, { type LuaNode } from 'luaparse'

/** What stands in a file from `range[0]` up to `range[1]` becomes `text`. */
export interface Change {
  range: [number, number]
  text: string
}

export interface Mutation extends Change {
  /** `<function>:<operator>:<n>`; n counts the changes that an operator makes in one function. What stands outside of functions has the name of its local. */
  name: string
}

interface Place {
  text: string
  /** What it stands in. */
  parent: LuaNode
  /** It alone decides an `if` or a loop: `always` and `never` are made of it. */
  condition: boolean
  /** A loop begins with it. */
  first: boolean
}

type Operator = (node: LuaNode, place: Place) => Change[]

const BOUND: Record<string, string> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }
const OPPOSITE: Record<string, string> = { '==': '~=', '~=': '==', '<': '>=', '>=': '<', '>': '<=', '<=': '>' }
const ARITHMETIC: Record<string, string> = { '+': '-', '-': '+', '*': '/', '/': '*', '%': '*' }
/** Which argument of a function of texts says where it begins: from 0 on is from the first letter on too. */
const STARTS: Record<string, number> = { 'string.find': 2, 'string.match': 2, 'string.sub': 1 }
/** Arguments without which Redis still takes the command. */
const OPTIONS = ['XX', 'NX', 'LT', 'GT', 'CH']

const OPERATORS: Record<string, Operator> = {
  bound: (node, place) => (node.type === 'BinaryExpression' ? replaceOperator(node, BOUND, place) : []),

  opposite: (node, place) => {
    if (place.condition) return []
    if (node.type === 'UnaryExpression' && node.operator === 'not') return [{ range: node.range, text: source(node.argument, place) }]
    return node.type === 'BinaryExpression' ? replaceOperator(node, OPPOSITE, place) : []
  },

  always: (node) => {
    const known = ['IfClause', 'ElseifClause', 'RepeatStatement'].includes(node.type)
    return known ? [{ range: node.condition.range, text: 'true' }] : []
  },

  never: (node) => {
    const known = ['IfClause', 'ElseifClause', 'WhileStatement'].includes(node.type)
    return known ? [{ range: node.condition.range, text: 'false' }] : []
  },

  operand: (node, place) => {
    if (node.type !== 'LogicalExpression') return []
    const [from, to] = operatorOf(node, place)
    const left: Change = { range: [from, node.range[1]], text: '' }
    const right: Change = { range: [node.range[0], to], text: '' }
    // In `a and tonumber(a) or b` the first operand only saves time: of nothing, tonumber makes nothing. So does bounded of lib/args.lua.
    const makes = ['tonumber', 'bounded'].some((name) => node.right.base && source(node.right.base, place) === name)
    const ofLeft = makes && source(node.right.arguments[0], place) === source(node.left, place)
    const saves = ofLeft && place.parent.operator === 'or'
    return node.operator === 'and' && saves ? [left] : [left, right]
  },

  arithmetic: (node, place) => (node.type === 'BinaryExpression' ? replaceOperator(node, ARITHMETIC, place) : []),

  // Less than nothing means what nothing does, and in front of the first of a table, or of a text, there is none.
  number: (node, place) => {
    if (node.type !== 'NumericLiteral') return []
    const { value, range } = node
    const onlyMore = value === 0 || place.first || (value === 1 && beginsText(node, place))
    return (onlyMore ? [value + 1] : [value + 1, value - 1]).map((other) => ({ range, text: String(other) }))
  },

  minmax: (node, place) => {
    const name = source(node, place)
    if (node.type !== 'MemberExpression' || !/^math\.(min|max)$/.test(name)) return []
    return [{ range: node.range, text: name === 'math.min' ? 'math.max' : 'math.min' }]
  },

  option: (node, place) => {
    if (node.type !== 'CallExpression') return []
    const args: LuaNode[] = node.arguments
    return args.slice(0, -1).flatMap((arg, n) => {
      const option = arg.type === 'StringLiteral' && OPTIONS.includes(source(arg, place).slice(1, -1))
      return option ? [{ range: [arg.range[0], (args[n + 1] as LuaNode).range[0]], text: '' }] : []
    })
  },

  // An error of Redis breaks the call off half-way.
  pcall: (node, place) => {
    if (node.type !== 'CallExpression' || !/^(redis\.)?pcall$/.test(source(node.base, place))) return []
    return [{ range: node.base.range, text: 'redis.call' }]
  },

  removed: (node, place) => {
    const call = node.type === 'CallStatement' && source(node.expression.base, place) !== 'register'
    return call || node.type === 'AssignmentStatement' ? [{ range: node.range, text: '' }] : []
  },

  // The order of writes tells what is left when a call is broken off between them.
  swap: (node, place) => {
    const body: LuaNode[] = Array.isArray(node.body) ? node.body : []
    return body.slice(1).flatMap((second, n) => {
      const first = body[n] as LuaNode
      if (first.type !== 'CallStatement' || second.type !== 'CallStatement') return []
      if (source(second.expression.base, place) === 'register') return []
      const between = place.text.slice(first.range[1], second.range[0])
      return [{ range: [first.range[0], second.range[1]], text: source(second, place) + between + source(first, place) }]
    })
  },

  result: (node, place) => {
    if (node.type !== 'ReturnStatement' || node.arguments.length === 0) return []
    const args: LuaNode[] = node.arguments
    const [first, last] = [args[0] as LuaNode, args.at(-1) as LuaNode]
    const other = ['nil', 'false'].includes(source(first, place)) ? 'true' : source(first, place) === 'true' ? 'false' : 'nil'
    const changed: Change = { range: first.range, text: other }
    if (args.length === 1) return [changed]
    const fewer: Change = { range: [(args.at(-2) as LuaNode).range[1], last.range[1]], text: '' }
    // Nil and a refusal: nobody looks at the nil.
    return source(first, place) === 'nil' ? [fewer] : [changed, fewer]
  },
}

/** All that the operators make of one file, in the order of the text. */
export function mutationsOf(file: string): Mutation[] {
  const { body, text } = parse(file)
  return body.flatMap((local) => {
    const found: { operator: string; change: Change }[] = []
    const visit = (node: LuaNode, part: string, parent: LuaNode): void => {
      const place = { text, parent, condition: part === 'condition', first: part === 'start' }
      for (const [operator, changes] of Object.entries(OPERATORS)) {
        for (const change of changes(node, place)) found.push({ operator, change })
      }
      for (const [name, child] of childrenOf(node)) visit(child, name, node)
    }
    visit(local, 'body', local)
    const counts = new Map<string, number>()
    return found
      .sort((a, b) => a.change.range[0] - b.change.range[0])
      .map(({ operator, change }) => {
        const n = (counts.get(operator) ?? 0) + 1
        counts.set(operator, n)
        return { ...change, name: `${nameOf(local)}:${operator}:${n}` }
      })
  })
}

/** What the file declares, and where. */
export const localsOf = (file: string): { name: string; range: [number, number] }[] =>
  parse(file).body.map((node) => ({ name: nameOf(node), range: node.range }))

/** Where the innermost statement begins that stands in a function and holds the place; undefined outside of functions. */
export function statementAt(file: string, place: number): number | undefined {
  let begin: number | undefined
  const visit = (node: LuaNode, inFunction: boolean): void => {
    const inside = inFunction || node.type === 'FunctionDeclaration'
    for (const [part, child] of childrenOf(node)) {
      if (place < child.range[0] || place >= child.range[1]) continue
      if (inside && part === 'body') begin = child.range[0]
      visit(child, inside)
    }
  }
  for (const node of parse(file).body) visit(node, false)
  return begin
}

export const mutate = (file: string, { range, text }: Change): string => file.slice(0, range[0]) + text + file.slice(range[1])

/** The top of the tree, and the text with blanks in the place of comments: those may stand between two operands. */
function parse(file: string): { body: LuaNode[]; text: string } {
  const { body, comments } = luaparse.parse(file, { luaVersion: '5.1', ranges: true, comments: true })
  const text = (comments as LuaNode[]).reduce(
    (blanked, { range: [from, to] }) => blanked.slice(0, from) + blanked.slice(from, to).replace(/[^\n]/g, ' ') + blanked.slice(to),
    file,
  )
  return { body, text }
}

function* childrenOf(node: LuaNode): Generator<[part: string, child: LuaNode]> {
  for (const [part, child] of Object.entries(node)) {
    for (const each of Array.isArray(child) ? child : [child]) if (typeof each?.type === 'string') yield [part, each]
  }
}

/** The name of what a statement declares that stands outside of functions. */
const nameOf = (node: LuaNode): string => node.identifier?.name ?? node.variables?.[0]?.name ?? 'file'

const source = (node: LuaNode, { text }: Place): string => text.slice(...node.range)

/** Whether it is the argument that says where in a text a function begins. */
const beginsText = (node: LuaNode, place: Place): boolean =>
  place.parent.type === 'CallExpression' && place.parent.arguments[STARTS[source(place.parent.base, place)] ?? -1] === node

/** Where the operator of two operands stands: between them, beside nothing but parentheses. */
function operatorOf(node: LuaNode, { text }: Place): [number, number] {
  const from = text.indexOf(node.operator, node.left.range[1])
  return [from, from + node.operator.length]
}

function replaceOperator(node: LuaNode, others: Record<string, string>, place: Place): Change[] {
  const other = others[node.operator]
  return other === undefined ? [] : [{ range: operatorOf(node, place), text: other }]
}
