import { twilio } from '../../../src/webhook/index.ts'
import { own, type Sender } from './sender.ts'

const message = (more: object = {}) => ({
  MessageSid: 'SM0123456789abcdef0123456789abcdef',
  SmsSid: 'SM0123456789abcdef0123456789abcdef',
  SmsMessageSid: 'SM0123456789abcdef0123456789abcdef',
  AccountSid: 'AC0123456789abcdef0123456789abcdef',
  From: 'whatsapp:+79001234567',
  To: 'whatsapp:+15550783881',
  Body: 'На завтра',
  NumMedia: '0',
  NumSegments: '1',
  SmsStatus: 'received',
  MessageType: 'text',
  ProfileName: 'Анна',
  WaId: '79001234567',
  ApiVersion: '2010-04-01',
  ...more,
})

const url = (n: number) => `https://api.twilio.com/2010-04-01/Accounts/AC01/Messages/SM01/Media/ME0${n}`
const media = (n: number) => ({ id: `ME0${n}`, url: url(n), mimeType: 'image/jpeg' })
const empty = { ...message({ Body: '', MessageType: 'unknown' }) }

export const twilioSender: Sender = {
  name: 'Twilio',
  make: ({ account: _, ...options } = {}) => twilio(options),
  proof: 'twilio',
  form: true,
  cases: [
    [
      'a text',
      message(),
      [
        {
          key: 'twilio:whatsapp%3A+15550783881:whatsapp%3A+79001234567',
          id: 'SM0123456789abcdef0123456789abcdef',
          data: {
            source: 'twilio',
            chat: 'whatsapp:+79001234567',
            from: 'whatsapp:+79001234567',
            userId: 'whatsapp:+79001234567',
            to: 'whatsapp:+15550783881',
            name: 'Анна',
            text: 'На завтра',
            type: 'text',
            content: undefined,
          },
        },
      ],
    ],
    ['an SMS', message({ From: '+79001234567', To: '+15550783881' }), [{ key: 'twilio:+15550783881:+79001234567' }]],
    [
      'pictures',
      message({
        Body: '',
        NumMedia: '2',
        MediaUrl0: url(0),
        MediaContentType0: 'image/jpeg',
        MediaUrl1: url(1),
        MediaContentType1: 'image/jpeg',
      }),
      [{ data: { text: '', media: media(0), content: [media(0), media(1)] } }],
    ],
    [
      'a place',
      message({ Body: '', Latitude: '55.75', Longitude: '37.61', Label: 'Salon' }),
      [{ data: { content: { Latitude: '55.75', Longitude: '37.61', Label: 'Salon' } } }],
    ],
    [
      'a pressed button',
      message({ Body: 'Да', ButtonText: 'Да', ButtonPayload: 'YES', MessageType: 'button' }),
      [{ data: { text: 'Да', choice: 'YES', type: 'button' } }],
    ],
    [
      'a pressed button without its title',
      message({ Body: '', ButtonText: 'Да', ButtonPayload: 'YES' }),
      [{ data: { text: 'Да', choice: 'YES' } }],
    ],
    ['an answer', message({ OriginalRepliedMessageSid: 'SM9' }), [{ data: { replyTo: 'SM9' } }]],
    ['a text after an ad', message({ ReferralSourceId: '7', ReferralHeadline: '' }), [{ data: { referral: { ReferralSourceId: '7' } } }]],
    ['a message without words', empty, [{ data: { text: '', type: 'unknown', content: empty } }]],
    ['what the provider sent, when it is wanted', message(), [{ data: { raw: message() } }], { raw: true }],
    ['what became of a message', { MessageSid: 'SM1', AccountSid: 'AC1', MessageStatus: 'delivered', From: '+1', To: '+2' }, []],
  ],
  count: (payload) => (own(payload, 'Body') !== undefined || own(payload, 'NumMedia') !== undefined ? 1 : 0),
  conversation: (account, chat) => message({ To: account, From: chat }),
}
