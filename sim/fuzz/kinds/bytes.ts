import { isUtf8 } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import type { Kind, Made, Material } from '../attempt.ts';
import { chunked, headOf } from '../request.ts';
import { asked, send, text } from './ask.ts';

const suits: NonNullable<Kind['suits']> = ({ hasBody }) => hasBody;
const mebibyte = 1024 * 1024;

const contentTypes = [
  ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', ';;;'],
  ...['', 'application/json; charset="', 'x'.repeat(2_000), 'application/json, text/html', '\x80\xff', 'image/png', 'application/xml'],
];

/** Bodies that are strange below the level of JSON. */
export const byteKinds: readonly Kind[] = [
  {
    name: 'strange bytes',
    weight: 3,
    suits,
    make({ draw, valid }) {
      const body = valid.request.body ?? Buffer.from('{}');
      const at = draw.integer(0, body.length - 1);
      const bytes = draw.pick([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x00], [0xef, 0xbb, 0xbf], [0x80]]);
      const broken = Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at)]);
      const whole = [
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]),
        Buffer.from(`\ufeff${body}`, 'utf16le'),
        draw.bytes(draw.integer(1, 300)),
      ];
      const sent = draw.chance(0.7) ? broken : draw.pick(whole);
      return { ...send(valid, { body: sent }), isInvalid: !isUtf8(sent) };
    },
  },
  { name: 'too large', weight: 1, suits, make: tooLarge },
  {
    name: 'content types',
    weight: 2,
    make: ({ draw, valid }) => send(valid, { headers: [['Content-Type', draw.pick(contentTypes)]] }),
  },
  {
    name: 'content encodings',
    weight: 2,
    suits,
    make({ draw, valid }) {
      const body = valid.request.body ?? Buffer.from('{}');
      const rubbish = [draw.bytes(50), gzipSync(body), gzipSync(body).subarray(0, 12), body, gzipSync(Buffer.alloc(10 * mebibyte))];
      const encoding = draw.pick(['gzip', 'deflate', 'br', 'identity', 'x-unknown', 'gzip, gzip', '']);
      return send(valid, { headers: [['Content-Encoding', encoding]], body: draw.pick(rubbish) });
    },
  },
  {
    name: 'many chunks',
    weight: 1,
    suits,
    make({ draw, valid }) {
      const body = valid.request.body ?? Buffer.from('{}');
      const made = send(valid, text(body.toString()));
      const head = headOf({ ...valid.request, headers: [['Transfer-Encoding', 'chunked']] });
      return { ...made, steps: [{ write: head }, { write: chunked(body, draw.pick([1, 3, 50])) }] };
    },
  },
];

function tooLarge({ draw, valid }: Material): Made {
  const length = draw.pick([mebibyte, mebibyte + 1, 2 * mebibyte, 5 * mebibyte]);
  const json = valid.request.body ?? Buffer.from('{}');
  const body = Buffer.concat([json, Buffer.alloc(length - json.length, ' ')]);
  const isChunked = draw.chance(0.5);
  const request = { ...valid.request, body, ...(isChunked ? { headers: [['Transfer-Encoding', 'chunked'] as const] } : {}) };
  const steps = [{ write: headOf(request) }, { write: isChunked ? chunked(body, 65_536) : body }];
  return { steps, asked: [asked(valid, request)], expects: 'answers', isInvalid: length > mebibyte };
}
