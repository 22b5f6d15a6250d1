import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { testMill } from '../testing/test-mill.ts';
import { type Logger, silentLogger } from './logger.ts';
import { traceparentOf } from './tracing.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('an invalid traceparent is ignored', () => {
  assert.equal(traceparentOf(traceparent), traceparent);
  assert.equal(traceparentOf(`cc${traceparent.slice(2)}-what-a-later-version-adds`), `cc${traceparent.slice(2)}-what-a-later-version-adds`);
  const malformed = [
    undefined,
    '',
    'x',
    traceparent.toUpperCase(),
    traceparent.slice(1),
    `${traceparent}0`,
    `ff${traceparent.slice(2)}`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
    `${traceparent}-${'x'.repeat(500)}`,
  ];
  for (const text of malformed) assert.equal(traceparentOf(text), null, String(text));
});

test('handlers, including those of sent events, know the trace they belong to, and so do their logs', async () => {
  const fields: object[] = [];
  const log: Logger = {
    ...silentLogger,
    child(bound) {
      fields.push(bound);
      return silentLogger;
    },
  };
  const seen: (string | undefined)[] = [];
  const second = pipeline('second', {
    event: z.object({}),
    handle(_event, _state, turn) {
      seen.push(turn.traceparent);
      turn.log.info('seen');
    },
  });
  const first = pipeline('first', {
    event: z.object({}),
    handle(_event, _state, turn) {
      seen.push(turn.traceparent);
      turn.send(second, {});
    },
  });
  const t = await testMill({ pipelines: [first, second], log });
  await t.ingest('first', {}, { traceparent });
  await t.drain();
  assert.deepEqual(seen, [traceparent, traceparent]);
  assert.deepEqual(
    fields.map((bound) => 'trace_id' in bound && bound.trace_id),
    ['4bf92f3577b34da6a3ce929d0e0e4736'],
  );
  await t.ingest('first', {}, { traceparent: 'nonsense' });
  await t.drain();
  assert.deepEqual(seen.slice(2), [undefined, undefined]);
  await t.stop();
});
