import { formatMs, howMany } from '../terminal/format.ts'

/** What was said, and what it means in English. */
export interface Said {
  text: string
  gloss: string
}

/** A real conversation: when each message was sent, ms, and what a bot that reads it alone can say. */
export const CONVERSATION: readonly (Said & { at: number; answer: Said })[] = [
  {
    at: 0,
    text: 'Запишите на стрижку меня',
    gloss: 'Book me for a haircut',
    answer: { text: 'На какой день?', gloss: 'For which day?' },
  },
  { at: 3000, text: 'На завтра', gloss: 'For tomorrow', answer: { text: 'Что именно на завтра?', gloss: 'What is for tomorrow?' } },
  { at: 8000, text: 'В 18:00', gloss: 'At 18:00', answer: { text: '18:00 какого дня?', gloss: '18:00 on which day?' } },
  { at: 12_000, text: 'К Бари', gloss: 'With Bari', answer: { text: 'Бари? По какому вопросу?', gloss: 'Bari? What is it about?' } },
]
export const MERGED: Said = {
  text: 'Запишите на стрижку меня На завтра В 18:00 К Бари',
  gloss: 'Book me for a haircut, for tomorrow, at 18:00, with Bari',
}
export const ANSWER: Said = {
  text: 'Записал вас на стрижку к Бари, завтра в 18:00.',
  gloss: 'I have booked you with Bari for a haircut, tomorrow at 18:00.',
}

/** What the demo says around it; no line is longer than 80 columns. */
interface Words {
  /** Whether what was said is glossed. */
  glossed: boolean
  seconds: string
  about(speed: number): string
  without: string
  with: string
  waiting(messages: number, left: string): string
  done(messages: number, lateness: number): string
  stats: string
  next: string
}

const en: Words = {
  glossed: true,
  seconds: 's',
  about: (speed) =>
    `A client writes to a hair salon: four messages in 12 seconds,\n${speed === 1 ? 'in real time' : `played ${speed} times as fast`}.`,
  without: 'Without rapidfire the bot answers each message. Four answers, none of use:',
  with: 'With rapidfire it answers once the client has been quiet for 10 seconds:',
  waiting: (messages, left) => `${howMany(messages, 'message')}, handed over in ${left}`,
  done: (messages, lateness) => `one batch of ${howMany(messages, 'message')}, ${formatMs(lateness)} after its deadline`,
  stats: 'What `rapidfire stats` says of it:',
  next: `Try next:
  make demo speed=1     in real time (installed: rapidfire demo --speed 1)
  README.md             its quick start does this in a program of your own
  npx rapidfire --help  what else there is`,
}

const ru: Words = {
  glossed: false,
  seconds: 'с',
  about: (speed) =>
    `Клиент пишет в парикмахерскую: четыре сообщения за 12 секунд,\n${speed === 1 ? 'в реальном времени' : `ускорено: ×${speed}`}.`,
  without: 'Без rapidfire бот отвечает на каждое сообщение. Четыре ответа, и все без толку:',
  with: 'С rapidfire он отвечает, когда клиент молчит 10 секунд:',
  waiting: (messages, left) => `${messages} ${messages === 1 ? 'сообщение' : 'сообщения'}, передача через ${left}`,
  done: (messages, lateness) => `один пакет из ${messages} сообщений, через ${Math.round(lateness)} мс после срока`,
  stats: 'Что об этом говорит `rapidfire stats`:',
  next: `Попробуйте ещё:
  make demo speed=1     в реальном времени (из пакета: rapidfire demo --speed 1)
  README.md             quick start: то же в вашей собственной программе
  npx rapidfire --help  что ещё есть`,
}

export const LANGUAGES = { en, ru }
