// Ends what the demo started when the demo itself was killed and could not: `fork` it and send it the process ids.
let pids: number[] = []
process.on('message', (message) => {
  pids = message as number[]
})
// Ctrl-C reaches every process of the terminal; the demo ends this one when it is done.
process.on('SIGINT', () => {})
process.once('disconnect', () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {} // it has ended
  }
  process.exit()
})
