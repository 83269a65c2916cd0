import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { useClients } from './clients.ts'

describeBindings('a policy that a program gives', (lua) => {
  const client = useClients(lua)
  const wait = async () => (await client().policy()).wait
  const violations = async () => (await client().check()).violations.map(({ law, text }) => [law, text])

  /** What a program does that starts with this policy. */
  async function starts(policy: object, name = 'bot.js'): Promise<void> {
    const [, before] = process.argv as [string, string]
    process.argv[1] = `/srv/${name}`
    onTestFinished(() => void (process.argv[1] = before))
    await client({ policy }).policy()
  }

  beforeEach(() => starts({ wait: 1000, maxSize: 3 }))

  it('is not written again by a restart: what a person has set stays', async () => {
    await client().policy({ wait: 7000 })
    await starts({ wait: 1000, maxSize: 3 })
    expect(await client().policy()).toMatchObject({ wait: 7000, maxSize: 3 })
  })

  it('is written by a deploy with another one, member by member', async () => {
    await client().policy({ wait: 7000, maxSize: 5 })
    await starts({ wait: 2000, maxSize: 3 })
    expect(await client().policy()).toMatchObject({ wait: 2000, maxSize: 5 })
    expect(await violations()).toEqual([])
  })

  it('is written once more where what is stored contradicts itself', async () => {
    await lua().redis.hset(lua().root, 'wait', 70_000)
    await starts({ wait: 1000, maxSize: 3 })
    expect(await client().policy()).toMatchObject({ wait: 1000, maxWait: 60_000 })
  })

  it('is written once a process, whatever its workers and connections do', async () => {
    const program = client({ policy: { wait: 1500 } })
    await program.getStats()
    await starts({ wait: 2000 })
    const worker = program.worker(() => {})
    onTestFinished(() => worker.close())
    await new Promise((resolve) => {
      worker.once('ready', resolve as () => void)
      worker.run()
    })
    if (lua().mode === 'functions') await lua().redis.function('FLUSH')
    else await lua().redis.script('FLUSH')
    await program.getStats()
    expect(await wait()).toBe(2000)
  })

  it('is written again when Redis has lost it', async () => {
    const program = client({ policy: { wait: 1500 } })
    await program.getStats()
    await lua().redis.flushall()
    if (lua().mode === 'functions') await lua().redis.function('FLUSH')
    else await lua().redis.script('FLUSH')
    await program.getStats()
    expect(await wait()).toBe(1500)
  })

  it('is found to be at odds with that of another program, until one of them gives in', async () => {
    await starts({ wait: 7000 }, 'other.js')
    expect(await violations()).toEqual([
      [
        'programs-agree',
        expect.stringMatching(/^wait is set to 1000 by bot\.js on \S+ and to 7000 by other\.js on \S+: each start undoes the other$/),
      ],
    ])
    await starts({ wait: 7000 })
    expect(await violations()).toEqual([])
  })

  it('is at odds with nothing when a person has decided', async () => {
    await starts({ wait: 7000 }, 'other.js')
    await client().policy({ wait: 5000 })
    expect(await violations()).toEqual([])
  })

  it('opens a new queue with its partitions, and changes none', async () => {
    await lua().reset()
    await starts({ partitions: 2 })
    expect(await client().policy()).toMatchObject({ partitions: 2 })
    await starts({ partitions: 4 })
    expect(await client().policy()).toMatchObject({ partitions: 2 })
    await client().policy({ partitions: 3 })
    await starts({ partitions: 2 })
    expect(await client().policy()).toMatchObject({ partitions: 3 })
    await lua().reset()
    await client().addMessage('ann', 1)
    await starts({ partitions: 2 })
    expect(await client().policy()).toMatchObject({ partitions: 1 })
  })

  it('is that of every root, as the root of the queue has decided', async () => {
    await client().policy({ partitions: 2, wait: 7000 })
    await lua().callWith('policy', ['rapid-fire:{orders:1}'], 'WAIT', 9000)
    await starts({ wait: 1000 })
    expect((await lua().callWith('policy', ['rapid-fire:{orders:1}'])).slice(0, 2)).toEqual(['wait', 7000])
  })
})
