import type { Kind, Step } from '../attempt.ts';
import { chunked, headOf, toBytes } from '../request.ts';
import { asked, send, text } from './ask.ts';

/** Milliseconds between the bytes of a slow sender: a body of some hundred bytes takes seconds. */
const everyMs = 20;
/** Slow bodies and heads are cut off after this many bytes, or this much silence. */
const dripMax = 300;

/** Slow clients, or ones that never end. */
export const timingKinds: readonly Kind[] = [
  {
    name: 'slow body',
    weight: 0.5,
    slow: true,
    suits: ({ hasBody }) => hasBody,
    make({ valid }) {
      const body = valid.request.body ?? Buffer.from('{}');
      const made = send(valid, text(body.toString()));
      const at = Math.max(0, body.length - dripMax);
      const steps = [{ write: Buffer.concat([headOf(valid.request), body.subarray(0, at)]) }, { drip: body.subarray(at), everyMs }];
      return { ...made, steps };
    },
  },
  {
    name: 'endless body',
    weight: 0.3,
    slow: true,
    suits: ({ hasBody }) => hasBody,
    make({ draw, valid }) {
      const body = valid.request.body ?? Buffer.from('{}');
      const isChunked = draw.chance(0.5);
      const headers = [isChunked ? (['Transfer-Encoding', 'chunked'] as const) : (['Content-Length', '1000000'] as const)];
      const begun = isChunked ? chunked(body, 20).subarray(0, -5) : body;
      const rest: Step = isChunked
        ? { drip: Buffer.from('1\r\n \r\n'.repeat(40)), everyMs }
        : { drip: Buffer.alloc(dripMax, ' '), everyMs };
      const steps: Step[] = [
        { write: Buffer.concat([headOf({ ...valid.request, headers }), begun]) },
        rest,
        { pauseMs: 500 },
        { reset: 'now' },
      ];
      return { steps, asked: [asked(valid, valid.request)], expects: 'nothing' };
    },
  },
  {
    name: 'slow headers',
    weight: 0.3,
    slow: true,
    make({ valid }) {
      const bytes = toBytes(valid.request);
      const at = Math.min(bytes.length, dripMax);
      return { ...send(valid, {}), steps: [{ drip: bytes.subarray(0, at), everyMs }, { write: bytes.subarray(at) }] };
    },
  },
  {
    name: 'headers without end',
    weight: 0.1,
    slow: true,
    make({ valid }) {
      const head = headOf(valid.request).subarray(0, -2);
      // The server must end it: it waits ten seconds for headers and checks every two.
      return { steps: [{ write: head }], asked: [{ ...asked(valid, valid.request), eventsMax: 0 }], expects: 'end' };
    },
  },
  {
    name: 'idle connection',
    weight: 0.5,
    slow: true,
    make({ draw, valid }) {
      const first = draw.chance(0.5);
      const steps: Step[] = [
        ...(first ? [{ write: toBytes(valid.request) }] : []),
        { pauseMs: draw.integer(500, 5_000) },
        { reset: 'now' },
      ];
      return { steps, asked: first ? [asked(valid, valid.request)] : [], expects: 'nothing' };
    },
  },
];
