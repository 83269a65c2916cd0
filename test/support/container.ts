import { GenericContainer } from 'testcontainers'
import { PASSWORD } from '../../cli/demo/private-redis.ts'

/** A server in a container. It is told its password in its environment, since its port may be open to others and its command line is. */
export async function startContainer(image: string): Promise<{ url: string; stop(): Promise<unknown> }> {
  const server = image.includes('valkey') ? 'valkey-server' : 'redis-server'
  const container = new GenericContainer(image).withExposedPorts(6379).withEnvironment({ PASSWORD, DFLY_requirepass: PASSWORD })
  // Dragonfly reads its variable by itself.
  if (!image.includes('dragonfly')) container.withCommand(['sh', '-c', `exec ${server} - <<END\nrequirepass $PASSWORD\nEND`])
  const started = await container.start()
  return {
    url: `redis://default:${PASSWORD}@${started.getHost()}:${started.getMappedPort(6379)}`,
    stop: () => started.stop(),
  }
}
