import { expect } from 'vitest'
import { slack } from '../../../src/webhook/index.ts'
import { isObject, own, type Sender } from './sender.ts'

const event = (given: object, team = 'T0001') => ({
  token: 'XXYYZZ',
  team_id: team,
  api_app_id: 'A0001',
  event: given,
  type: 'event_callback',
  event_id: 'Ev0001',
  event_time: 1_749_416_383,
  authorizations: [{ team_id: team, user_id: 'U0BOT', is_bot: true }],
})

const message = (more: object = {}) => ({
  type: 'message',
  channel: 'D0ANN',
  user: 'U0ANN',
  text: 'На завтра',
  ts: '1749416383.000200',
  event_ts: '1749416383.000200',
  channel_type: 'im',
  ...more,
})

const file = { id: 'F1', name: 'план.pdf', mimetype: 'application/pdf', size: 1024, url_private_download: 'https://files.slack.com/F1' }
const { ts: _, ...timeless } = message()
const edited = (text: string, ts?: string) => ({
  type: 'message',
  user: 'U0ANN',
  text,
  ts: '1749416383.000200',
  ...(ts && { edited: { user: 'U0ANN', ts } }),
})
const change = (now: object, before: object) =>
  message({ subtype: 'message_changed', message: now, previous_message: before, ts: '1749416399.000100', user: undefined, text: undefined })

export const slackSender: Sender = {
  name: 'Slack',
  make: ({ account: _, ...options } = {}) => slack(options),
  proof: 'slack',
  cases: [
    [
      'a text',
      event(message()),
      [
        {
          key: 'slack:T0001:D0ANN',
          id: 'D0ANN:1749416383.000200',
          data: {
            source: 'slack',
            chat: 'D0ANN',
            from: 'U0ANN',
            userId: 'U0ANN',
            to: 'T0001',
            text: 'На завтра',
            type: 'message',
            sentAt: 1_749_416_383_000,
            thread: undefined,
          },
        },
      ],
    ],
    [
      'a mention, with the id that it has as a message',
      event(message({ type: 'app_mention', channel: 'C1', channel_type: undefined })),
      [{ key: 'slack:T0001:C1', id: 'C1:1749416383.000200' }],
    ],
    [
      'a thread',
      event(message({ channel: 'C1', channel_type: 'channel', thread_ts: '1749416300.000100' })),
      [{ key: 'slack:T0001:C1:1749416300.000100', data: { thread: '1749416300.000100' } }],
    ],
    [
      'a member of a channel, alone',
      event(message({ channel: 'C1', channel_type: 'channel' })),
      [{ key: 'slack:T0001:C1:U0ANN' }],
      { groups: 'sender' },
    ],
    [
      'a file',
      event(message({ subtype: 'file_share', text: '', files: [file] })),
      [
        {
          data: {
            type: 'file_share',
            text: '',
            media: { id: 'F1', url: file.url_private_download, mimeType: file.mimetype, name: file.name, size: 1024 },
          },
        },
      ],
    ],
    [
      'several files',
      event(message({ subtype: 'file_share', files: [file, { ...file, id: 'F2' }] })),
      [{ data: { media: expect.objectContaining({ id: 'F1' }), content: [file, { ...file, id: 'F2' }] } }],
    ],
    ['a message without words', event(message({ text: undefined, blocks: [{ type: 'rich_text' }] })), [{ data: { text: '' } }]],
    ['a message without a time', event(timeless), [{ key: 'slack:T0001:D0ANN', data: { text: 'На завтра' } }]],
    ['a kind to come', event(message({ subtype: 'hologram' })), [{ data: { type: 'hologram', text: 'На завтра' } }]],
    [
      'an edit',
      event(change(edited('В 18:00', '1749416399.000000'), edited('В 17:00'))),
      [
        {
          key: 'slack:T0001:D0ANN',
          id: 'D0ANN:1749416383.000200:edit:1749416399.000000',
          data: { text: 'В 18:00', edits: 'D0ANN:1749416383.000200', sentAt: 1_749_416_399_000 },
        },
      ],
    ],
    [
      'a withdrawal',
      event(message({ subtype: 'message_deleted', deleted_ts: '1749416383.000200', previous_message: edited('x'), user: undefined })),
      [
        {
          key: 'slack:T0001:D0ANN',
          id: 'D0ANN:1749416383.000200:deleted',
          data: { text: '', from: 'U0ANN', withdraws: 'D0ANN:1749416383.000200' },
        },
      ],
    ],
    [
      'a reaction that is wanted',
      event({
        type: 'reaction_added',
        user: 'U0ANN',
        reaction: 'thumbsup',
        item: { type: 'message', channel: 'C1', ts: '1.0' },
        event_ts: '2.0',
      }),
      [{ key: 'slack:T0001:C1', data: { text: 'thumbsup', replyTo: '1.0', type: 'reaction_added' } }],
      { reactions: true },
    ],
    ['what the provider sent, when it is wanted', event(message()), [{ data: { raw: message() } }], { raw: true }],
    ['a reaction', event({ type: 'reaction_added', user: 'U0ANN', reaction: 'x', item: {}, event_ts: '2.0' }), []],
    ['what a link leads to', event(change({ ...edited('x'), attachments: [{}] }, edited('x'))), []],
    ['what an app has written', event(message({ bot_id: 'B1' })), []],
    ['what an app has changed', event(change({ ...edited('x', '1'), bot_id: 'B1' }, edited('y'))), []],
    ['somebody who has joined', event(message({ subtype: 'channel_join' })), []],
    ['another event', event({ type: 'team_join', user: {} }), []],
    ['the question whether it is us', { token: 'x', challenge: '3eZbrw1aB', type: 'url_verification' }, []],
  ],
  count: (payload) => {
    const said = own(payload, 'event')
    if (!isObject(said) || own(payload, 'type') !== 'event_callback' || !['message', 'app_mention'].includes(own(said, 'type'))) return 0
    return own(said, 'subtype') === undefined && own(said, 'bot_id') === undefined ? 1 : 0
  },
  conversation: (account, chat) => event(message({ channel: chat }), account),
}
