import * as z from 'zod';
import { millrace } from '../../engine/mill.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import { kafka } from './kafka.ts';
import type { KafkaOptions } from './kafka-options.ts';

/*
 * Runs an engine in its own process, for a test that kills it: it notifies its parent after some turns, and continues.
 */

/** One row for each turn: a second turn of an event would leave two. */
export const applied = table('applied', { key: 'text', nth: 'integer', n: 'integer' }, { primaryKey: ['key', 'nth'] });

/** A pipeline whose table records the events in the order of their turns. */
export function stepsFrom(options: KafkaOptions, handled: (n: number) => void = () => undefined) {
  return pipeline('steps', {
    event: z.object({ key: z.string(), n: z.int() }),
    key: ({ key }) => key,
    state: z.object({ count: z.int() }),
    tables: { applied },
    from: kafka(options),
    handle({ key, n }, state, turn) {
      const nth = state?.count ?? 0;
      turn.add(applied, { key, nth, n });
      handled(n);
      return { count: nth + 1 };
    },
  });
}

const [, , brokers, topic, path] = process.argv;
if (brokers !== undefined && topic !== undefined && path !== undefined && process.send !== undefined) {
  let left = 1 + Math.floor(Math.random() * 300);
  const handled = () => {
    left -= 1;
    if (left === 0) process.send?.('handled');
  };
  await millrace({ store: sqlite(path), pipelines: [stepsFrom({ brokers, topic }, handled)] }).start();
}
