/*
 * The fleet's pipelines, which record every turn in the turn's own transaction. `millrace serve` loads this module in each process, and
 * `checks.ts` compares the records with what the clients know.
 */
import process from 'node:process';
import * as z from 'zod';
import { http, pipeline, table } from '../../src/index.ts';

/** The destination of deliveries; the harness listens there. */
const receiver = process.env.FLEET_RECEIVER ?? 'http://127.0.0.1:9/';

/** The interval, in events of a key, at which a turn also sends, sets the timer, and delivers. */
const every = { send: 4, timer: 5, delivery: 6 } as const;

/** One row for each effect of a turn. It has no primary key, so that a turn that took effect twice shows. */
const happenings = table('happenings', {
  pipeline: 'text',
  key: 'text',
  /** `event`, `armed`, `rang`, `asked`, `told`, `sent` or `heard`. */
  what: 'text',
  /** The number of the event that led to it. */
  n: 'integer',
  /** The event's number within its key, as counted by the state. */
  nth: 'integer',
  at: 'integer',
  pid: 'integer',
});

const tables = { happenings };
const Step = z.object({ key: z.string(), n: z.int() });
const Echo = z.object({ to: z.string(), from: z.string(), n: z.int() });
const State = z.object({ count: z.int(), pending: z.int() });
const Count = z.object({ count: z.int() });

type What = 'event' | 'armed' | 'rang' | 'asked' | 'told' | 'sent' | 'heard';

function happening(name: string, key: string, { what, n, nth = 0 }: { readonly what: What; readonly n: number; readonly nth?: number }) {
  return { pipeline: name, key, what, n, nth, at: Date.now(), pid: process.pid };
}

/** Receives the sends of the steps. In its rows the sender replaces the key. */
export const echoes = pipeline('echoes', {
  event: Echo,
  key: ({ to }) => to,
  state: Count,
  tables,
  handle({ from, n }, state, turn) {
    const count = (state?.count ?? 0) + 1;
    turn.add(happenings, happening('echoes', from, { what: 'heard', n, nth: count }));
    return { count };
  },
});

/** Events in order of arrival, each with an id, exercising everything a turn can request. */
export const steps = pipeline('steps', {
  event: Step,
  key: ({ key }) => key,
  id: ({ key, n }) => `${key}/${n}`,
  state: State,
  tables,
  handle({ key, n }, state, turn) {
    const count = (state?.count ?? 0) + 1;
    let pending = state?.pending ?? 0;
    const write = (what: What) => turn.add(happenings, happening('steps', key, { what, n, nth: count }));
    write('event');
    if (n % every.send === 0) {
      turn.send(echoes, { to: `echo of ${key}`, from: key, n });
      write('sent');
    }
    if (n % every.timer === 0 && pending === 0) {
      pending = n;
      turn.timers.set('ring', { after: '2s', data: n });
      write('armed');
    }
    if (n % every.delivery === 0) {
      turn.deliver('receiver', { key, n }, { id: `${key}/${n}` });
      write('asked');
    }
    return { count, pending };
  },
  timers: {
    ring(state, turn, data) {
      turn.add(happenings, happening('steps', turn.key, { what: 'rang', n: Number(data) }));
      return { count: state?.count ?? 0, pending: 0 };
    },
  },
  deliver: {
    receiver: {
      to: http({ url: receiver }),
      order: 'key',
      retry: { attempts: 1_000, backoff: '100ms', maxBackoff: '1s' },
      timeout: '5s',
      outcome(state, turn, { id }) {
        turn.add(happenings, happening('steps', turn.key, { what: 'told', n: Number(id.split('/')[1]) }));
        return state;
      },
    },
  },
});

/** Events in number order, whatever order they arrive in. */
export const numbers = pipeline('numbers', {
  event: Step,
  key: ({ key }) => key,
  order: { by: ({ n }) => n, from: 1, gap: 'wait' },
  state: Count,
  tables,
  handle({ key, n }, state, turn) {
    const count = (state?.count ?? 0) + 1;
    turn.add(happenings, happening('numbers', key, { what: 'event', n, nth: count }));
    return { count };
  },
});
