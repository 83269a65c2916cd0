// A process of the chaos run that moves batches into a stream.
import type { RapidFireOptions } from '../../../src/options.ts'
import { RapidFire } from '../../../src/rapidfire.ts'
import { History } from '../../fault/history.ts'

export interface ForwarderSetup {
  history: string
  client: RapidFireOptions<unknown>
  stream: string
}

const setup = JSON.parse(process.env.SETUP as string) as ForwarderSetup
const history = new History(setup.history)
const forwarder = new RapidFire(setup.client).forwarder(setup.stream)
const erred = (error: Error) => history.write({ what: 'error', text: error.message })
forwarder.on('error', erred)
process.on('warning', erred)
process.on('SIGTERM', async () => {
  await forwarder.close()
  history.write({ what: 'closed' })
})
forwarder.run()
history.write({ what: 'running' })
