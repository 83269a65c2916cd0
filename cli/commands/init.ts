import { Argument, type Command, Option } from 'commander'
import { integerOption } from '../terminal/options.ts'

interface InitOptions {
  queue: string
  port: number
  work: string
}

const FILES = { pm2, systemd, compose }

export function init(program: Command): void {
  program
    .command('init')
    .description('print a file that runs the webhook and a worker: pm2, systemd or compose')
    .addArgument(new Argument('<kind>').choices(Object.keys(FILES)))
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('whatsapp'))
    .addOption(integerOption('--port <port>', 'of the webhook', 'RAPIDFIRE_PORT', { least: 1, most: 65_535, default: 3000 }))
    .option('--work <arguments>', 'what `rapidfire work` is given', '--to stream:batches')
    .action((kind: keyof typeof FILES, options: InitOptions) => void process.stdout.write(FILES[kind](options)))
}

function pm2({ queue, port, work }: InitOptions): string {
  return `// Save as ecosystem.config.cjs beside node_modules, then: pm2 start ecosystem.config.cjs
const { dirname, join } = require('node:path')

const script = join(dirname(require.resolve('rapidfire/package.json')), 'dist/cli/main.js')
const env = { RAPIDFIRE_QUEUE: ${JSON.stringify(queue)}, REDIS_URL: process.env.REDIS_URL || 'redis://127.0.0.1:6379' }
// A process is up when it says so, and has 30 s to finish what it does when it is stopped.
const common = { script, env, wait_ready: true, listen_timeout: 10000, kill_timeout: 30000 }

module.exports = {
  apps: [
    { ...common, name: 'rapidfire-serve', args: 'serve --port ${port}' },
    { ...common, name: 'rapidfire-work', args: ${JSON.stringify(`work ${work}`)} },
  ],
}
`
}

function systemd({ queue, port, work }: InitOptions): string {
  const unit = (name: string, what: string, command: string) => `# /etc/systemd/system/rapidfire-${name}.service
[Unit]
Description=rapidfire: ${what}
After=network-online.target redis-server.service
Wants=network-online.target

[Service]
# The folder that has rapidfire in its node_modules.
WorkingDirectory=/srv/rapidfire
# Secrets: RAPIDFIRE_APP_SECRET=... and the like, a line each; the file must exist for nobody but root.
EnvironmentFile=-/etc/rapidfire.env
Environment=RAPIDFIRE_QUEUE=${queue}
ExecStart=/usr/bin/env node node_modules/rapidfire/dist/cli/main.js ${command}
Restart=always
RestartSec=1
TimeoutStopSec=35
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
`
  return [unit('serve', 'webhook', `serve --port ${port}`), unit('work', 'worker', `work ${work}`)].join('\n')
}

function compose({ queue, port, work }: InitOptions): string {
  const service = (name: string, command: string, more = '') => `  ${name}:
    image: node:22-slim
    working_dir: /app
    volumes: ['.:/app']
    init: true
    restart: unless-stopped
    stop_grace_period: 35s
    depends_on: [redis]
    environment:
      REDIS_URL: redis://redis:6379
      RAPIDFIRE_QUEUE: ${JSON.stringify(queue)}
    command: ${JSON.stringify(`node node_modules/rapidfire/dist/cli/main.js ${command}`.split(' '))}
${more}`
  return `# Save as compose.yaml in the folder that has rapidfire in its node_modules, then: docker compose up
services:
  redis:
    image: redis:7
    # Every message is on disk before it is acknowledged, and none is evicted.
    command: [redis-server, --appendonly, 'yes', --appendfsync, always, --maxmemory-policy, noeviction]
    volumes: [redis:/data]
${service('serve', `serve --host 0.0.0.0 --port ${port}`, `    ports: ['127.0.0.1:${port}:${port}']\n`)}${service('work', `work ${work}`)}volumes:
  redis:
`
}
