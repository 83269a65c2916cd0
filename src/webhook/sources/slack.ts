import type { NewMessage } from '../../options.ts'
import {
  type ChatMessage,
  type ChatOptions,
  checkChat,
  conversationKey,
  digest,
  inOrder,
  isObject,
  kind,
  list,
  type Media,
  member,
  plain,
  type Source,
  size,
  text,
} from './message.ts'

/** What Slack itself writes into a channel, beside `channel_join` and the like; and what apps write. */
const NOTICES = new Set([
  'bot_add',
  'bot_message',
  'bot_remove',
  'ekm_access_denied',
  'huddle_thread',
  'message_replied',
  'pinned_item',
  'reminder_add',
  'sh_room_created',
  'tombstone',
  'unpinned_item',
])

const isNotice = (subtype: string | undefined): boolean =>
  subtype !== undefined && (NOTICES.has(subtype) || /^(channel|group)_/.test(subtype))

/**
 * The Events API of Slack: messages and mentions, edits, withdrawals and, with `reactions`, reactions; also what comes to the address for
 * interactivity (pressed buttons, modals) and for slash commands. What apps write is ignored. The key is `slack:<team>:<channel>`, and in a thread ends
 * with it; the id of a message `<channel>:<ts>`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function slack(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('slack', options)
  return {
    name: 'slack',
    proof: 'slack',
    formHeader: 'x-slack-signature',
    read(payload, json) {
      const found = json === undefined ? readForm(payload, options) : readEvents(payload, options)
      return found && inOrder(found)
    },
    // A body would be shown to who has used a command.
    answer: (payload) => plain(member(payload, 'type') === 'url_verification' ? (text(member(payload, 'challenge')) ?? '') : ''),
  }
}

type Found = NewMessage<ChatMessage>

const optional = (found: Found | undefined): Found[] => (found ? [found] : [])

function readEvents(payload: unknown, options: ChatOptions): Found[] | undefined {
  const type = member(payload, 'type')
  if (type === 'url_verification' && member(payload, 'challenge') !== undefined) return []
  // Slack says that it has sent too much.
  if (type === 'app_rate_limited') return []
  const event = member(payload, 'event')
  if (type !== 'event_callback' || !isObject(event)) return undefined
  const found = readEvent(event, { ...options, team: text(member(payload, 'team_id')) ?? '' })
  if (found && options.raw) found.data.raw = event
  return optional(found)
}

type Given = ChatOptions & { team: string }

function readEvent(event: unknown, given: Given): Found | undefined {
  const type = member(event, 'type')
  if (type === 'reaction_added' || type === 'reaction_removed') return given.reactions ? readReaction(event, type, given) : undefined
  if (type !== 'message' && type !== 'app_mention') return undefined
  const subtype = text(member(event, 'subtype'))
  const channel = member(event, 'channel')
  if (subtype === 'message_changed') return readEdit(event, given)
  if (subtype === 'message_deleted') return readDeleted(event, given)
  return isNotice(subtype) || isApp(event) ? undefined : readMessage(event, channel, given, event)
}

const isApp = (message: unknown): boolean => text(member(message, 'bot_id')) !== undefined

/** @param by what has the type of the channel */
function readMessage(message: unknown, channel: unknown, given: Given, by: unknown): Found {
  const found = start({ channel, user: member(message, 'user'), thread: threadOf(message), ts: member(message, 'ts') }, given, by)
  const { data } = found
  const words = text(member(message, 'text'))
  const files = list(member(message, 'files')).filter(isObject)
  data.text = words ?? ''
  data.type = kind(member(message, 'subtype')) ?? 'message'
  data.media = files.length > 0 ? mediaOf(files[0]) : undefined
  if (files.length > 1) data.content = files
  else if (!words && files.length === 0) data.content = message
  return found
}

/** What begins a thread is not in it. */
function threadOf(message: unknown): string | undefined {
  const thread = text(member(message, 'thread_ts'))
  return thread === member(message, 'ts') ? undefined : thread
}

function start(
  { channel, user, thread, ts }: { channel: unknown; user: unknown; thread?: string | undefined; ts: unknown },
  { team, groups }: Given,
  event: unknown,
): Found {
  const [chat, from, time] = [text(channel) ?? '', text(user) ?? '', text(ts)]
  const id = time ? `${chat}:${time}` : digest(event)
  const isGroup = member(event, 'channel_type') !== 'im' && !chat.startsWith('D')
  // Of what nobody knows where it stands, no two may share a conversation.
  const whose = chat === '' ? from || id : isGroup && groups === 'sender' ? from : undefined
  const data: ChatMessage = { source: 'slack', chat, text: '', type: 'message', from, userId: from, to: team, thread, sentAt: timeOf(time) }
  return { key: conversationKey('slack', team, chat, thread, whose), id, data }
}

/** Of a `ts`, which is seconds with six decimals. */
function timeOf(ts: string | undefined): number | undefined {
  return ts !== undefined && /^\d{1,10}(\.\d{1,9})?$/.test(ts) ? Math.floor(Number(ts) * 1000) : undefined
}

const mediaOf = (file: unknown): Media => ({
  id: text(member(file, 'id')),
  url: text(member(file, 'url_private_download')) ?? text(member(file, 'url_private')),
  mimeType: text(member(file, 'mimetype')),
  name: text(member(file, 'name')),
  size: size(member(file, 'size')),
  voice: member(file, 'subtype') === 'slack_audio' ? true : undefined,
})

/** Undefined for what Slack does to a message, such as to show what a link leads to. */
function readEdit(event: unknown, given: Given): Found | undefined {
  const [message, before] = [member(event, 'message'), member(event, 'previous_message')]
  if (isApp(message)) return undefined
  if (member(message, 'subtype') === 'tombstone') return readDeleted(event, given)
  const edited = text(member(member(message, 'edited'), 'ts'))
  if (isNotice(text(member(message, 'subtype')))) return undefined
  if (edited === text(member(member(before, 'edited'), 'ts')) && member(message, 'text') === member(before, 'text')) return undefined
  const found = readMessage(isObject(message) ? message : event, member(event, 'channel'), given, event)
  found.data.edits = found.id as string
  found.data.sentAt = timeOf(edited) ?? found.data.sentAt
  found.id = `${found.id}:edit:${edited ?? text(member(event, 'ts')) ?? digest(event)}`
  return found
}

function readDeleted(event: unknown, given: Given): Found | undefined {
  const before = member(event, 'previous_message')
  if (isApp(before)) return undefined
  const ts = member(event, 'deleted_ts') ?? member(before, 'ts')
  const found = start({ channel: member(event, 'channel'), user: member(before, 'user'), thread: threadOf(before), ts }, given, event)
  found.data.type = 'message_deleted'
  found.data.withdraws = found.id as string
  found.data.sentAt = timeOf(text(member(event, 'ts')))
  found.id = `${found.id}:deleted`
  return found
}

function readReaction(event: unknown, type: string, given: Given): Found {
  const item = member(event, 'item')
  const at = text(member(event, 'event_ts'))
  const found = start({ channel: member(item, 'channel'), user: member(event, 'user'), ts: at }, given, event)
  const name = text(member(event, 'reaction')) ?? ''
  found.data.type = type
  found.data.text = type === 'reaction_added' ? name : ''
  found.data.content = name
  found.data.replyTo = text(member(item, 'ts'))
  found.id = `${found.id}:${type}:${name}`
  return found
}

/** What comes as a form: a slash command, or in `payload` the JSON of what was pressed or filled in. */
function readForm(form: unknown, options: ChatOptions): Found[] | undefined {
  if (member(form, 'ssl_check') !== undefined) return []
  const command = text(member(form, 'command'))
  if (command !== undefined) return [readCommand(form, command, options)]
  const json = text(member(form, 'payload'))
  if (json === undefined) return undefined
  try {
    const said: unknown = JSON.parse(json)
    return isObject(said) ? [readInteraction(said, options)] : undefined
  } catch {
    return undefined
  }
}

function readCommand(form: unknown, command: string, options: ChatOptions): Found {
  const given = { ...options, team: text(member(form, 'team_id')) ?? '' }
  const found = start({ channel: member(form, 'channel_id'), user: member(form, 'user_id'), ts: undefined }, given, form)
  const { data } = found
  data.text = [command, text(member(form, 'text'))].filter(Boolean).join(' ')
  data.type = 'command'
  data.name = text(member(form, 'user_name'))
  data.content = form
  if (options.raw) data.raw = form
  found.id = `command:${text(member(form, 'trigger_id')) ?? found.id}`
  return found
}

function readInteraction(said: unknown, options: ChatOptions): Found {
  const [user, message, container] = [member(said, 'user'), member(said, 'message'), member(said, 'container')]
  const team = text(member(member(said, 'team'), 'id')) ?? text(member(user, 'team_id')) ?? ''
  const channel = member(member(said, 'channel'), 'id') ?? member(container, 'channel_id')
  const action = list(member(said, 'actions'))[0]
  const thread = text(member(container, 'thread_ts')) ?? threadOf(message)
  const found = start({ channel, user: member(user, 'id'), thread, ts: member(action, 'action_ts') }, { ...options, team }, said)
  const { data } = found
  const option = member(action, 'selected_option')
  data.text = text(member(member(option, 'text') ?? member(action, 'text'), 'text')) ?? ''
  data.type = kind(member(said, 'type')) ?? 'interaction'
  data.name = text(member(user, 'username')) ?? text(member(user, 'name'))
  data.choice = text(member(option, 'value')) ?? text(member(action, 'value')) ?? text(member(action, 'action_id'))
  data.replyTo = text(member(message, 'ts'))
  data.content = said
  if (options.raw) data.raw = said
  found.id = `${data.type}:${text(member(said, 'trigger_id')) ?? found.id}`
  return found
}
