import type { Kind } from '../attempt.ts';
import type { Draw } from '../draw.ts';
import { type Header, headOf } from '../request.ts';
import { send, text } from './ask.ts';

/** Strange headers, each harmless by itself. */
const strange: readonly ((draw: Draw) => readonly Header[])[] = [
  (draw) => [['Traceparent', draw.pick(['', '00-0-0-0', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, 'x'.repeat(5_000), '\x80'])]],
  (draw) => [
    ['Idempotency-Key', draw.pick(['', 'x'.repeat(512), 'x'.repeat(513), '__proto__', '\xff\xfe', 'a, b', `key-${draw.integer(0, 50)}`])],
  ],
  (draw) => [
    ['Idempotency-Key', `key-${draw.integer(0, 50)}`],
    ['Idempotency-Key', 'another'],
  ],
  (draw) => [['Sec-Fetch-Site', draw.pick(['cross-site', 'same-origin', 'none', '', 'x'])]],
  (draw) => [
    ['Accept', draw.pick(['', '*/*', ';q=', 'text/plain;q=2', 'text/plain', ',,,,', 'application/json;q=-1', 'a/b;'.repeat(1_000)])],
  ],
  (draw) => [['Host', draw.pick(['', 'a b', '[::1', 'evil.example', 'a:99999', '\xff'])]],
  () => [
    ['Host', 'one'],
    ['Host', 'two'],
  ],
  (draw) => [['Connection', draw.pick(['close', 'keep-alive, close', 'x', 'Content-Length', 'upgrade', 'transfer-encoding'])]],
  (draw) => [['Range', draw.pick(['bytes=0-0', 'bytes=-1', 'bytes=99999999999-', 'x=y', `bytes=${'0-1,'.repeat(500)}`])]],
  (draw) => [['If-None-Match', draw.pick(['*', '"x"', 'W/"', 'x'.repeat(3_000)])]],
  () => [
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Host', 'evil.example'],
    ['Forwarded', 'for=_x'],
  ],
  (draw) => [['Cookie', draw.pick(['a=b', '=;=;', `${'a=b;'.repeat(1_000)}`])]],
  (draw) => [[draw.pick(['__proto__', 'constructor', 'toString', 'X-Empty', 'x-\x01', 'a b', '(x)', '']), draw.pick(['', 'x', '{"a":1}'])]],
  () => [['X-Folded', 'one\r\n two']],
  (draw) => [['X-Bytes', draw.pick(['a\x00b', 'a\x01b', 'a\x7fb', 'a\nb', 'a\rb', '\xff'])]],
  (draw) => [['Accept-Encoding', draw.pick(['gzip', 'br;q=1, *;q=0', 'identity;q=0', '*'])]],
  (draw) => [['Origin', draw.pick(['null', 'https://evil.example', ''])]],
];

/** Requests with strange headers, or far too many or too long ones. */
export const headerKinds: readonly Kind[] = [
  { name: 'strange headers', weight: 6, make: ({ draw, valid }) => send(valid, { headers: draw.pick(strange)(draw) }, 'end') },
  {
    name: 'header flood',
    weight: 1,
    make({ draw, valid }) {
      const floods: readonly (readonly Header[])[] = [
        Array.from({ length: 10_000 }, (_, at) => [`X-Header-${at}`, 'x'] as const),
        Array.from({ length: 3_000 }, () => ['a', ''] as const),
        [['X-Long', 'x'.repeat(1024 * 1024)]],
        [['x'.repeat(100_000), 'x']],
        [['X-Long', 'x'.repeat(15_000)]],
      ];
      return send(valid, { headers: draw.pick(floods) }, 'end');
    },
  },
  {
    name: 'expectations',
    weight: 2,
    make({ draw, valid }) {
      const body = valid.request.body ?? Buffer.from('{}');
      const expectation = draw.pick(['100-continue', '100-continue', '100-Continue', 'foo', '']);
      const request = { ...valid.request, body, headers: [['Expect', expectation] as const] };
      const made = send(valid, text(body.toString()), 'end');
      return { ...made, steps: [{ write: headOf(request) }, { pauseMs: 30 }, { write: body }] };
    },
  },
];
