import * as z from 'zod';
import { type Duration, pipeline, table } from '../../src/index.ts';

/** An event of either pipeline, about 250 bytes as JSON. */
export interface TableEvent {
  readonly key: string;
  /** Within its key and pipeline, from 1. */
  readonly number: number;
  readonly note: string;
}

/** One row for each key of each pipeline: as many as there are keys, regardless of the number of events. */
const accounts = table('accounts', { name: 'text', count: 'integer', last: 'integer' }, { primaryKey: ['name'] });

const Event = z.object({ key: z.string(), number: z.int(), note: z.string() });
const State = z.object({ count: z.int() });

/** One event in this many of `payments` requests a delivery. */
const deliveryEach = 10;

/**
 * Work for every table that the happy path of a store touches: the log, ids chosen by callers, numbers, which are held from the append to
 * the commit, gaps, states, timers that are replaced and that fire, deliveries with their outcomes, and a declared table.
 *
 * @param retain retention of logs and ids
 */
export function tableWork(retain: Duration) {
  const payments = pipeline('payments', {
    event: Event,
    key: (event) => event.key,
    id: (event) => `${event.key}-${event.number}`,
    deduplicationWindow: retain,
    retain,
    state: State,
    tables: { accounts },
    timers: { reminder: (state) => state },
    deliver: {
      receipts: {
        to: { call: async () => ({ result: 'delivered' }) },
        outcome: (state) => state,
      },
    },
    handle(event, state, turn) {
      const count = (state?.count ?? 0) + 1;
      turn.put(accounts, { name: `payments ${event.key}`, count, last: event.number });
      turn.timers.set('reminder', { after: '2s' });
      if (event.number % deliveryEach === 0) turn.deliver('receipts', { number: event.number });
      return { count };
    },
  });
  const readings = pipeline('readings', {
    event: Event,
    key: (event) => event.key,
    order: { by: (event) => event.number },
    retain,
    state: State,
    tables: { accounts },
    handle(event, state, turn) {
      const count = (state?.count ?? 0) + 1;
      turn.put(accounts, { name: `readings ${event.key}`, count, last: event.number });
      return { count };
    },
  });
  return [payments, readings] as const;
}
