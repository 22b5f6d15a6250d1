/*
 * The pipelines of the trial's processes: one takes steps from a topic, records each turn in the turn's own transaction, and delivers
 * some steps to another topic. `millrace serve` loads this module in each process.
 */
import process from 'node:process';
import * as z from 'zod';
import { kafka, nats, pipeline, table } from '../../src/index.ts';

const { BROKERS_KIND, BROKERS_SERVERS = '127.0.0.1:9', BROKERS_DELIVER_EVERY = '10' } = process.env;
const servers = BROKERS_SERVERS.split(',');
const deliverEvery = Number(BROKERS_DELIVER_EVERY);

/** One row for each step's first turn. It has no primary key, so that a turn that took effect twice shows. */
const applied = table('applied', { key: 'text', n: 'integer', nth: 'integer', pid: 'integer' });
/** One row for each turn of a step that the producer wrote again. */
const repeated = table('repeated', { key: 'text', n: 'integer', pid: 'integer' });

const from = BROKERS_KIND === 'nats' ? nats({ servers, stream: 'STEPS' }) : kafka({ brokers: servers, topic: 'steps' });
const to = BROKERS_KIND === 'nats' ? nats({ servers, subject: 'out' }) : kafka({ brokers: servers, topic: 'out' });

/**
 * The trial's producer writes some steps twice. They have no ids, so each record on the topic must have one turn: with ids, a batch that was
 * taken twice would go unnoticed.
 */
export const steps = pipeline('steps', {
  event: z.object({ key: z.string(), n: z.int() }),
  key: ({ key }) => key,
  state: z.object({ count: z.int() }),
  tables: { applied, repeated },
  from,
  deliver: {
    out: { to, order: 'key', concurrency: 500, timeout: '10s', retry: { attempts: 10_000, backoff: '100ms', maxBackoff: '1s' } },
  },
  handle({ key, n }, state, turn) {
    const count = state?.count ?? 0;
    if (n <= count) {
      turn.add(repeated, { key, n, pid: process.pid });
      return { count };
    }
    const nth = count + 1;
    turn.add(applied, { key, n, nth, pid: process.pid });
    if (n % deliverEvery === 0) turn.deliver('out', { key, n }, { id: `${key}/${n}` });
    return { count: nth };
  },
});
