import { TEST_SOURCE } from '../support/source.ts'

// Prints, for `redis-cli --pipe`, what loads the functions and the scripts with the clock that the key test:clock moves.
const commands = [
  ['FUNCTION', 'LOAD', 'REPLACE', TEST_SOURCE.library],
  ...Object.values(TEST_SOURCE.scripts).map(({ text }) => ['SCRIPT', 'LOAD', text]),
]
for (const args of commands) {
  process.stdout.write(`*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`)
}
