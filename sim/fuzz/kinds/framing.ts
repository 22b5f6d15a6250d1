import type { Kind, Made, Material } from '../attempt.ts';
import { type Header, toBytes } from '../request.ts';
import { asked, send } from './ask.ts';

const smuggled = 'GET /ping HTTP/1.1\r\nHost: smuggled\r\n\r\n';
/** Time to wait for an answer to a smuggled request. */
const lingerMs = 100;

/** False lengths and chunks, invalid request lines, and data that is not HTTP at all. */
export const framingKinds: readonly Kind[] = [
  {
    name: 'content lengths',
    weight: 3,
    make({ draw, valid }) {
      const body = valid.request.body ?? Buffer.from('{}');
      const { length } = body;
      const lengths: readonly (readonly string[])[] = [
        ...[['-1'], ['+5'], ['0x10'], ['1e3'], [''], ['abc'], ['99999999999999999999'], [`${length}, ${length}`], [` ${length} `], ['5 5']],
        ...[
          [String(length), String(length + 1)],
          [String(length), String(length)],
          [`${length}.0`],
          ['\t'],
          [String(2 ** 53)],
          [`0${length}`],
        ],
      ];
      const headers = draw.pick(lengths).map((value): Header => ['Content-Length', value]);
      return framed({ valid }, headers, body);
    },
  },
  {
    name: 'smuggling',
    weight: 3,
    make({ draw, valid }) {
      const chunks = `0\r\n\r\n${smuggled}`;
      const forms: readonly (readonly Header[])[] = [
        [
          ['Content-Length', '4'],
          ['Transfer-Encoding', 'chunked'],
        ],
        [
          ['Transfer-Encoding', 'chunked'],
          ['Content-Length', String(chunks.length)],
        ],
        [
          ['Transfer-Encoding', 'chunked'],
          ['Transfer-Encoding', 'identity'],
        ],
        [['Transfer-Encoding', 'xchunked']],
        [['Transfer-Encoding', 'chunked, identity']],
        [['Transfer-Encoding', '\x0bchunked']],
        [['Transfer-Encoding ', 'chunked']],
        [
          ['Transfer_Encoding', 'chunked'],
          ['Content-Length', String(chunks.length)],
        ],
        [['X: y\nTransfer-Encoding', 'chunked']],
        [['Content-Length ', String(chunks.length)]],
      ];
      return framed({ valid }, draw.pick(forms), Buffer.from(chunks));
    },
  },
  {
    name: 'bad chunks',
    weight: 3,
    make({ draw, valid }) {
      const sizes = [
        'zz',
        '-1',
        '0x5',
        '',
        'ffffffffffffffff',
        '10000000000000000',
        '5;',
        `5;${'x'.repeat(20_000)}`,
        '5\r\nabc\r\n',
        ' 5',
        '5 ',
        '5\n',
      ];
      const body = `${draw.pick(sizes)}\r\n{"a":\r\n0\r\n${draw.pick(['\r\n', 'X-Trailer: y\r\n\r\n', 'Content-Length: 5\r\n\r\n', `${'T: x\r\n'.repeat(3_000)}\r\n`])}`;
      return framed({ valid }, [['Transfer-Encoding', 'chunked']], Buffer.from(body));
    },
  },
  { name: 'request lines', weight: 4, make: requestLine },
  {
    name: 'upgrades',
    weight: 1,
    make({ draw, valid }) {
      const to = draw.pick(['websocket', 'h2c', 'TLS/1.0', 'x']);
      const headers: readonly Header[] = [
        ['Connection', 'Upgrade, HTTP2-Settings'],
        ['Upgrade', to],
        ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
        ['Sec-WebSocket-Version', '13'],
      ];
      return send(valid, { headers }, 'end');
    },
  },
  {
    name: 'no HTTP',
    weight: 2,
    make({ draw }) {
      const hello = `16030100a5010000a10303${'5f'.repeat(32)}000004c02fc03001000074${'00'.repeat(116)}`;
      const noHttp = [
        Buffer.from(hello, 'hex'),
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        Buffer.from('\r\n\r\n\r\nGARBAGE\r\n\r\n'),
        Buffer.from('SSH-2.0-OpenSSH_9.6\r\n\r\n'),
        Buffer.from('EHLO fuzz\r\n\r\n'),
        Buffer.concat([Buffer.from([0]), draw.bytes(500)]),
        Buffer.from(`${'A'.repeat(100_000)}\r\n\r\n`),
        Buffer.from('*1\r\n$4\r\nPING\r\n'),
      ];
      return { steps: [{ write: draw.pick(noHttp) }], asked: [], expects: 'end' };
    },
  },
];

function framed({ valid }: Pick<Material, 'valid'>, headers: readonly Header[], body: Buffer): Made {
  const request = { ...valid.request, headers, body };
  // A server may take the body for longer than it is and wait for the rest, so the client half-closes.
  const steps = [{ write: toBytes(request) }, { pauseMs: 20 }, { finish: true } as const];
  return { steps, asked: [asked(valid, valid.request)], expects: 'end', lingerMs };
}

function requestLine({ draw, valid }: Material): Made {
  const { method, target } = valid.request;
  const { body } = valid.request;
  const lines = [
    `${method} ${target}`,
    `${method} ${target} HTTP/1.0`,
    `${method} ${target} HTTP/0.9`,
    `${method} ${target} HTTP/2.0`,
    `${method} ${target} HTTP/1.10`,
    `${method} ${target} http/1.1`,
    `${method}  ${target} HTTP/1.1`,
    `${method}\t${target}\tHTTP/1.1`,
    `${method} http://evil.example${target} HTTP/1.1`,
    `${method} https://user:pass@evil.example:99999${target} HTTP/1.1`,
    `${method} ftp://x${target} HTTP/1.1`,
    `${method} ${target} x HTTP/1.1`,
    `${method} \xff${target} HTTP/1.1`,
    `${method} ${target}\x00 HTTP/1.1`,
    `${method.toLowerCase()} ${target} HTTP/1.1`,
    `FROB ${target} HTTP/1.1`,
    'OPTIONS * HTTP/1.1',
    `${method} * HTTP/1.1`,
    'CONNECT evil.example:443 HTTP/1.1',
    `TRACE ${target} HTTP/1.1`,
    ' GET / HTTP/1.1',
    `${method} ?x HTTP/1.1`,
    `${method} x HTTP/1.1`,
  ];
  const line = draw.pick(lines);
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
  const head = Buffer.from(`${line}\r\nHost: fuzz\r\n${length}\r\n`, 'latin1');
  const made = send(valid, {}, 'end');
  const [method0 = ''] = line.trim().split(/[ \t]/);
  const steps = [{ write: body === undefined ? head : Buffer.concat([head, body]) }, { pauseMs: 20 }, { finish: true } as const];
  return { ...made, asked: made.asked.map((one) => ({ ...one, method: method0 })), steps };
}
