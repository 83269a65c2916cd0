declare module 'luaparse' {
  const luaparse: { parse(text: string, options: { luaVersion: '5.1'; ranges: boolean; comments: boolean }): unknown }
  export default luaparse
}
