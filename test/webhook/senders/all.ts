import { baileysSender, evolutionSender } from './baileys.ts'
import type { Sender } from './sender.ts'

export const SENDERS: readonly Sender[] = [baileysSender, evolutionSender]
