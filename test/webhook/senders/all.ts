import { baileysSender, evolutionSender } from './baileys.ts'
import { chatwootSender } from './chatwoot.ts'
import { openWaSender, wppconnectSender } from './gateways.ts'
import { lineSender } from './line.ts'
import { maxSender } from './max.ts'
import { instagramSender, messengerSender } from './messenger.ts'
import { relaySender } from './relay.ts'
import type { Sender } from './sender.ts'
import { slackSender } from './slack.ts'
import { twilioSender } from './twilio.ts'
import { viberSender } from './viber.ts'
import { vkSender } from './vk.ts'
import { wahaSender } from './waha.ts'

export const SENDERS: readonly Sender[] = [
  baileysSender,
  evolutionSender,
  wahaSender,
  messengerSender,
  instagramSender,
  twilioSender,
  slackSender,
  vkSender,
  viberSender,
  lineSender,
  maxSender,
  openWaSender,
  wppconnectSender,
  chatwootSender,
  relaySender,
]
