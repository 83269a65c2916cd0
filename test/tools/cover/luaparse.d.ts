declare module 'luaparse' {
  /** A node of the tree. Its other fields depend on its type: nodes, arrays of nodes, or plain values. */
  export interface LuaNode {
    type: string
    range: [number, number]
    [field: string]: any
  }
  const luaparse: { parse(text: string, options: { luaVersion: '5.1'; ranges: boolean; comments: boolean }): LuaNode }
  export default luaparse
}
