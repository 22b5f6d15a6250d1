import type { Asked, Kind, Made, Material, Step } from '../attempt.ts';
import { toBytes } from '../request.ts';
import { asked } from './ask.ts';

/** Pipelined requests in one write. */
const pipelined = 50;

/** Many requests on one connection, and connections that end at a bad moment. */
export const connectionKinds: readonly Kind[] = [
  { name: 'pipelining', weight: 0.7, make: (material) => pipeline(material) },
  { name: 'pipelining, one broken', weight: 0.7, make: (material) => pipeline(material, material.draw.integer(2, pipelined - 1)) },
  {
    name: 'end after the request',
    weight: 2,
    make: ({ valid }) => ({
      steps: [{ write: toBytes(valid.request) }, { finish: true }],
      asked: [asked(valid, valid.request)],
      // Node.js takes the end of one direction for the end of both, and may drop an unfinished answer.
      expects: 'end',
    }),
  },
  {
    name: 'end in the middle',
    weight: 2,
    make(material) {
      return cut(material, [{ pauseMs: material.draw.integer(0, 20) }, { finish: true }], 'end');
    },
  },
  {
    name: 'reset in the middle',
    weight: 2,
    make(material) {
      return cut(material, [{ pauseMs: material.draw.integer(0, 20) }, { reset: 'now' }], 'nothing');
    },
  },
  {
    name: 'reset after the request',
    weight: 1,
    make: ({ draw, valid }) => ({
      steps: [{ write: toBytes(valid.request) }, { pauseMs: draw.integer(0, 3) }, { reset: 'now' }],
      asked: [asked(valid, valid.request)],
      expects: 'nothing',
    }),
  },
  {
    name: 'reset in the answer',
    weight: 1,
    make: ({ valid }) => ({
      steps: [{ write: toBytes(valid.request) }, { reset: 'when answered' }],
      asked: [asked(valid, valid.request)],
      expects: 'nothing',
    }),
  },
];

function pipeline({ valid, another }: Material, broken?: number): Made {
  const requests = [valid, ...Array.from({ length: pipelined - 1 }, another)];
  const whole = requests.map(({ request }, at) => (at === broken ? Buffer.from('GET /ping HTTP/9.9\r\nbroken\r\n\r\n') : toBytes(request)));
  const all = requests.map((one): Asked => asked(one, one.request));
  // Nothing after a broken request is read.
  const read = broken === undefined ? all : all.slice(0, broken);
  return { steps: [{ write: Buffer.concat(whole) }], asked: read, expects: broken === undefined ? 'answers' : 'end' };
}

/** Builds a request that lacks its last byte or more. */
function cut({ draw, valid }: Material, then: readonly Step[], expects: Made['expects']): Made {
  const bytes = toBytes(valid.request);
  const part = bytes.subarray(0, draw.integer(1, bytes.length - 1));
  return { steps: [{ write: part }, ...then], asked: [{ ...asked(valid, valid.request), eventsMax: 0 }], expects };
}
