import { Argument, type Command, Option } from 'commander'
import { checkQueueName } from '../../src/partitions/roots.ts'
import { UsageError } from '../terminal/errors.ts'
import { integerOption } from '../terminal/options.ts'

interface InitOptions {
  queue: string
  port: number
  work: string
  source: string[]
}

const FILES = { pm2, systemd, compose }

/** What `serve` needs in its environment for each source. */
const SECRETS: Record<string, string[]> = {
  whatsapp: ['RAPIDFIRE_APP_SECRET', 'RAPIDFIRE_VERIFY_TOKEN'],
  telegram: ['RAPIDFIRE_TELEGRAM_SECRET'],
  generic: ['RAPIDFIRE_SENDER_SECRET'],
  'whatsapp-web': ['RAPIDFIRE_SENDER_SECRET'],
}

export function init(program: Command): void {
  program
    .command('init')
    .description('print a file that runs the webhook and a worker: pm2, systemd or compose')
    .addArgument(new Argument('<kind>').choices(Object.keys(FILES)))
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('whatsapp'))
    .addOption(integerOption('--port <port>', 'of the webhook', 'RAPIDFIRE_PORT', { least: 1, most: 65_535, default: 3000 }))
    .addOption(new Option('--source <source...>', 'who posts to it').choices(Object.keys(SECRETS)).default(['whatsapp']))
    .option('--work <arguments>', 'what `rapidfire work` is given', '--to stream:batches')
    .action((kind: keyof typeof FILES, options: InitOptions) => {
      checkQueueName(options.queue)
      // In none of the formats a line may go on in the next.
      if (/[\0-\x1f\x7f]/.test(options.work)) throw new UsageError('--work must have no line ends and no other control characters')
      process.stdout.write(FILES[kind](options))
    })
}

const secretsOf = ({ source }: InitOptions): string[] => [...new Set(source.flatMap((name) => SECRETS[name] as string[]))]

const serveArguments = ({ port, source }: InitOptions): string => `--port ${port} --source ${source.join(' ')}`

function pm2(options: InitOptions): string {
  const { queue, work } = options
  return `// Save as ecosystem.config.cjs beside node_modules, then: pm2 start ecosystem.config.cjs
const { dirname, join } = require('node:path')

const script = join(dirname(require.resolve('rapidfire/package.json')), 'dist/cli/main.js')
const env = { RAPIDFIRE_QUEUE: ${JSON.stringify(queue)}, REDIS_URL: process.env.REDIS_URL || 'redis://127.0.0.1:6379' }
// A process is up when it says so, and has 30 s to finish what it does when it is stopped.
const common = { script, env, wait_ready: true, listen_timeout: 10000, kill_timeout: 30000 }

// What shows that a request comes from where it says. pm2 keeps it with the process.
const secrets = {}
for (const name of ${JSON.stringify(secretsOf(options)).replaceAll('"', "'").replaceAll(',', ', ')}) {
  if (!process.env[name]) throw new Error(name + ' must be set in the environment of pm2 start')
  secrets[name] = process.env[name]
}

module.exports = {
  apps: [
    { ...common, name: 'rapidfire-serve', args: '${`serve ${serveArguments(options)}`}', env: { ...env, ...secrets } },
    { ...common, name: 'rapidfire-work', args: ${JSON.stringify(`work ${work}`)} },
  ],
}
`
}

function systemd(options: InitOptions): string {
  /** In a unit a percent sign begins a specifier, and in a command line a dollar sign a variable. */
  const value = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('%', '%%')
  const command = (text: string) => value(text).replaceAll('$', '$$$$')
  const unit = (name: string, what: string, run: string, environment: string) => `# /etc/systemd/system/rapidfire-${name}.service
[Unit]
Description=rapidfire: ${what}
After=network-online.target redis-server.service
Wants=network-online.target

[Service]
# The folder that has rapidfire in its node_modules.
WorkingDirectory=/srv/rapidfire
${environment}
Environment="RAPIDFIRE_QUEUE=${value(options.queue).replaceAll('"', '\\"')}"
ExecStart=/usr/bin/env node node_modules/rapidfire/dist/cli/main.js ${command(run)}
Restart=always
RestartSec=1
# Used wrongly, as without a secret: that does not mend itself.
RestartPreventExitStatus=2
TimeoutStopSec=35
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
`
  const secrets = `# A line each, in a file that root alone may read: ${secretsOf(options)
    .map((name) => `${name}=...`)
    .join(' ')}
EnvironmentFile=/etc/rapidfire.env`
  const redis = '# REDIS_URL=... when it is not redis://127.0.0.1:6379\nEnvironmentFile=-/etc/rapidfire-work.env'
  return [
    unit('serve', 'webhook', `serve ${serveArguments(options)}`, secrets),
    unit('work', 'worker', `work ${options.work}`, redis),
  ].join('\n')
}

function compose(options: InitOptions): string {
  const { queue, port, work } = options
  /** Compose puts variables in place of what begins with a dollar sign. */
  const text = (value: string | string[]) => JSON.stringify(value).replaceAll('$', '$$$$')
  const service = (name: string, command: string, secrets: string[], more = '') => `  ${name}:
    image: node:22-slim
    working_dir: /app
    volumes: ['.:/app']
    init: true
    restart: unless-stopped
    stop_grace_period: 35s
    depends_on: [redis]
    environment:
      REDIS_URL: redis://redis:6379
      RAPIDFIRE_QUEUE: ${text(queue)}
${secrets.map((secret) => `      ${secret}: \${${secret}:?must be set in the environment, or in .env beside this file}\n`).join('')}    command: ${text(`node node_modules/rapidfire/dist/cli/main.js ${command}`.split(' '))}
${more}`
  const serve = `serve --host 0.0.0.0 ${serveArguments(options)}`
  return `# Save as compose.yaml in the folder that has rapidfire in its node_modules, then: docker compose up
services:
  redis:
    image: redis:7
    # Every message is on disk before it is acknowledged, and none is evicted.
    command: [redis-server, --appendonly, 'yes', --appendfsync, always, --maxmemory-policy, noeviction]
    volumes: [redis:/data]
${service('serve', serve, secretsOf(options), `    ports: ['127.0.0.1:${port}:${port}']\n`)}${service('work', `work ${work}`, [])}volumes:
  redis:
`
}
