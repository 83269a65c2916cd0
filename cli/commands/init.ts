import { homedir, userInfo } from 'node:os'
import { Argument, type Command, Option } from 'commander'
import { checkQueueName } from '../../src/partitions/roots.ts'
import { UsageError } from '../terminal/errors.ts'
import { integerOption } from '../terminal/options.ts'

interface InitOptions {
  queue: string
  port: number
  healthPort: number
  work: string
  source: string[]
}

type Part = 'serve' | 'work'

const KINDS = ['pm2', 'systemd', 'compose']
const PARTS = ['serve', 'work']

/** What `serve` needs in its environment for each source. */
const SECRETS: Record<string, string[]> = {
  whatsapp: ['RAPIDFIRE_APP_SECRET', 'RAPIDFIRE_VERIFY_TOKEN'],
  telegram: ['RAPIDFIRE_TELEGRAM_SECRET'],
  generic: ['RAPIDFIRE_SENDER_SECRET'],
  'whatsapp-web': ['RAPIDFIRE_SENDER_SECRET'],
}

const PROGRAM = 'node_modules/rapidfire/dist/cli/main.js'

export function init(program: Command): void {
  program
    .command('init')
    .summary('print a file for PM2, systemd or Docker Compose')
    .description('Prints a file that runs the webhook and a worker with PM2, systemd or Docker Compose.')
    .addArgument(new Argument('<kind>', 'of the file').choices(KINDS))
    .addArgument(new Argument('[part]', 'for systemd, which has a file for each').choices(PARTS))
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('whatsapp'))
    .addOption(integerOption('--port <port>', 'port of the webhook', 'RAPIDFIRE_PORT', { least: 1, most: 65_535, default: 3000 }))
    .addOption(
      integerOption('--health-port <port>', 'port where the worker answers for its health', 'RAPIDFIRE_HEALTH_PORT', {
        least: 1,
        most: 65_535,
        default: 3001,
      }),
    )
    .addOption(new Option('--source <source...>', 'who posts to the webhook').choices(Object.keys(SECRETS)).default(['whatsapp']))
    .option('--work <arguments>', 'what `rapidfire work` is given: your file, perhaps with options', 'handler.mjs')
    .action((kind: string, part: Part | undefined, options: InitOptions) => {
      checkQueueName(options.queue)
      // In none of the formats a line may go on in the next.
      if (/[\0-\x1f\x7f]/.test(options.work)) throw new UsageError('--work must have no line ends and no other control characters')
      if ((kind === 'systemd') !== (part !== undefined)) {
        const units = PARTS.map((each) => `rapidfire init systemd ${each} > rapidfire-${each}.service`).join(', ')
        throw new UsageError(kind === 'systemd' ? `systemd takes a file for each: ${units}` : `${kind} has one file for both`)
      }
      process.stdout.write(part ? systemd(part, options) : kind === 'pm2' ? pm2(options) : compose(options))
    })
}

const secretsOf = ({ source }: InitOptions): string[] => [...new Set(source.flatMap((name) => SECRETS[name] as string[]))]

/** What `work` needs in its environment. */
const workSecretsOf = ({ work }: InitOptions): string[] => (/(^| )--to[ =]https?:/i.test(work) ? ['RAPIDFIRE_RECEIVER_SECRET'] : [])

const serveArguments = ({ port, source }: InitOptions): string => `--port ${port} --source ${source.join(' ')}`

/** Nothing of a shell, a unit or of compose is in it but quotes. */
const health = (port: number) =>
  `fetch('http://127.0.0.1:${port}/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`

/** Says what the file is that the worker is given. */
function handlerOf({ work }: InitOptions): string | undefined {
  const [file = ''] = work.split(' ')
  return /\.[cm]?[jt]s$/.test(file) ? `${file} exports what is called with each batch: export default async (batch) => { ... }` : undefined
}

function pm2(options: InitOptions): string {
  const { queue, healthPort, work } = options
  const handler = handlerOf(options)
  const secrets = (names: string[]) => names.map((name) => `, ...secret('${name}')`).join('')
  return `// Save as ecosystem.config.cjs beside node_modules, then: pm2 start ecosystem.config.cjs
${handler ? `// ${handler}\n` : ''}const { dirname, join } = require('node:path')

const script = join(dirname(require.resolve('rapidfire/package.json')), 'dist/cli/main.js')
const env = { RAPIDFIRE_QUEUE: ${JSON.stringify(queue)}, REDIS_URL: process.env.REDIS_URL || 'redis://127.0.0.1:6379' }
// A process is up when it says so, which is when it has reached Redis, and has 30 s to finish what it does when it is stopped.
const common = { script, env, wait_ready: true, listen_timeout: 10000, kill_timeout: 30000 }
// What shows that a request comes from where it says. pm2 keeps it with the process.
const secret = (name) => {
  if (!process.env[name]) throw new Error(name + ' must be set in the environment of pm2 start')
  return { [name]: process.env[name] }
}
// Each worker answers GET /readyz on a port of its own, the first on this one.
const health = { env: { ...env${secrets(workSecretsOf(options))}, RAPIDFIRE_HEALTH_PORT: ${healthPort} }, increment_var: 'RAPIDFIRE_HEALTH_PORT' }

module.exports = {
  apps: [
    { ...common, name: 'rapidfire-serve', args: '${`serve ${serveArguments(options)}`}', env: { ...env${secrets(secretsOf(options))} } },
    { ...common, name: 'rapidfire-work', args: ${JSON.stringify(`work ${work}`)}, ...health },
  ],
}
`
}

function systemd(part: Part, options: InitOptions): string {
  /** In a unit a percent sign begins a specifier, and in a command line a dollar sign a variable. */
  const value = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('%', '%%')
  const command = (text: string) => value(text).replaceAll('$', '$$$$')
  const quoted = (text: string) => `"${text.replaceAll('"', '\\"')}"`
  const [folder, home] = [process.cwd(), homedir()]
  // A user of systemd's own may not look into the home of anybody.
  const isIn = (file: string) => file === home || file.startsWith(`${home}/`)
  const user = isIn(folder) || isIn(process.execPath) ? `User=${userInfo().username}` : 'DynamicUser=yes'
  const node = quoted(command(process.execPath))
  const handler = part === 'work' ? handlerOf(options) : undefined
  const parts = {
    serve: {
      what: 'webhook',
      run: `serve ${serveArguments(options)}`,
      port: options.port,
      environment: `# A line each, in a file that root alone may read: ${secretsOf(options)
        .map((name) => `${name}=...`)
        .join(' ')}\nEnvironmentFile=/etc/rapidfire.env`,
    },
    work: {
      what: 'worker',
      run: `work --health-port ${options.healthPort} ${options.work}`,
      port: options.healthPort,
      environment: `# ${['REDIS_URL=... when it is not redis://127.0.0.1:6379', ...workSecretsOf(options).map((name) => `${name}=...`)].join('; ')}\nEnvironmentFile=-/etc/rapidfire-work.env`,
    },
  }
  const { what, run, port, environment } = parts[part]
  // It ends with the process that it waits for.
  const wait = [
    `const healthy = () => fetch('http://127.0.0.1:${port}/readyz').then((answer) => answer.ok, () => false)`,
    'const look = async () => { process.kill(+process.env.MAINPID, 0); if (!await healthy()) setTimeout(look, 500) }',
    'look()',
  ].join('; ')
  return `# /etc/systemd/system/rapidfire-${part}.service, then: systemctl daemon-reload && systemctl enable --now rapidfire-${part}
${handler ? `# ${handler}\n` : ''}[Unit]
Description=rapidfire: ${what}
After=network-online.target redis-server.service
Wants=network-online.target

[Service]
# The folder that has rapidfire in its node_modules.
WorkingDirectory=${value(folder)}
${environment}
Environment="RAPIDFIRE_QUEUE=${value(options.queue).replaceAll('"', '\\"')}"
ExecStart=${node} ${PROGRAM} ${command(run)}
# It counts as started when it answers that it is healthy, which is when it has reached Redis.
ExecStartPost=${node} -e ${quoted(command(wait))}
TimeoutStartSec=60
Restart=always
RestartSec=1
# Used wrongly, as without a secret: that does not mend itself.
RestartPreventExitStatus=2
TimeoutStopSec=35
${user}
NoNewPrivileges=yes
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
`
}

function compose(options: InitOptions): string {
  const { queue, port, healthPort, work } = options
  const handler = handlerOf(options)
  /** Compose puts variables in place of what begins with a dollar sign. */
  const text = (value: string | string[]) => JSON.stringify(value).replaceAll('$', '$$$$')
  const service = (name: string, command: string, secrets: string[], health: string, more = '') => `  ${name}:
    image: node:22-slim
    working_dir: /app
    volumes: ['.:/app']
    init: true
    restart: unless-stopped
    stop_grace_period: 35s
    depends_on:
      redis: { condition: service_healthy }
    environment:
      REDIS_URL: redis://redis:6379
      RAPIDFIRE_QUEUE: ${text(queue)}
${secrets.map((secret) => `      ${secret}: \${${secret}:?must be set in the environment, or in .env beside this file}\n`).join('')}    command: ${text(`node ${PROGRAM} ${command}`.split(' '))}
    healthcheck:
      test: ${text(['CMD', 'node', '-e', health])}
      interval: 10s
      start_period: 20s
${more}`
  const serve = service(
    'serve',
    `serve --host 0.0.0.0 ${serveArguments(options)}`,
    secretsOf(options),
    health(port),
    `    ports: ['127.0.0.1:${port}:${port}']\n`,
  )
  return `# Save as compose.yaml in the folder that has rapidfire in its node_modules, then: docker compose up
${handler ? `# ${handler}\n` : ''}services:
  redis:
    image: redis:7
    # Every message is on disk before it is acknowledged, and none is evicted.
    command: [redis-server, --appendonly, 'yes', --appendfsync, always, --maxmemory-policy, noeviction]
    volumes: [redis:/data]
    healthcheck:
      test: [CMD, redis-cli, ping]
      interval: 5s
${serve}${service('work', `work --health-port ${healthPort} ${work}`, workSecretsOf(options), health(healthPort))}volumes:
  redis:
`
}
