import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { isCode, onEveryStore } from './fixture.test.ts';

type Lookup = { readonly key: string; readonly answer: 'now' | 'never' | 'late' };

/** Accepts events whose look-up is answered. `never` is never answered, and `late` only when the test releases it. */
function lookedUp() {
  const late = Promise.withResolvers<void>();
  const validate = async (value: unknown) => {
    const { answer } = value as Lookup;
    if (answer === 'never') await new Promise(() => undefined);
    if (answer === 'late') await late.promise;
    return { value: value as Lookup };
  };
  // Not a zod schema: zod runs an asynchronous schema twice, and nobody awaits the first promise.
  const event: StandardSchemaV1<Lookup> = { '~standard': { version: 1, vendor: 'test', validate } };
  const declared = pipeline('lookups', { event, key: ({ key }) => key, state: z.object({}), handle: () => ({}) });
  return { declared, late };
}

onEveryStore('promises 7 and 9: an unresponsive schema fills no door', ({ testMill }) => {
  test('its event is refused after the time limit with the reason, is counted, and makes room for the next', async () => {
    const { log, lines } = recordingLogger();
    const { declared, late } = lookedUp();
    const t = await testMill({ pipelines: [declared], limits: { backlog: 1, validationMs: 2_000 }, log });
    const refused = assert.rejects(t.ingest('lookups', { key: 'a', answer: 'late' }), (error) => {
      assert.ok(isCode('MILL_VALIDATION_TIMEOUT')(error));
      assert.match(String(error), /pipeline lookups: the event's schema has not answered within 2000 ms/);
      return true;
    });
    await assert.rejects(t.ingest('lookups', { key: 'b', answer: 'now' }), isCode('MILL_BACKLOG_FULL'));
    await t.advance('2s');
    await refused;
    assert.equal((await t.ingest('lookups', { key: 'b', answer: 'now' })).status, 'accepted');
    late.reject(new Error('nobody waits for it any more'));
    await t.drain();
    const { validationTimeouts, rejected, received } = t.mill.counts().lookups ?? {};
    assert.deepEqual([validationTimeouts, rejected, received], [1, 2, 1]);
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [['error', { pipeline: 'lookups', events: 1, validationMs: 2_000 }]],
    );
    await t.stop();
  });

  test('a batch waits only once: events behind such an event are refused with it', async () => {
    const { declared } = lookedUp();
    const t = await testMill({ pipelines: [declared], limits: { backlog: 4 } });
    const answers = ['now', 'never', 'now', 'never'] as const;
    const judged = t.ingestBatch(
      'lookups',
      answers.map((answer, at) => ({ key: `k${at}`, answer })),
    );
    await t.advance('5s');
    assert.deepEqual(
      (await judged).map((one) => (one.status === 'rejected' ? one.error.code : one.status)),
      ['accepted', ...Array(3).fill('MILL_VALIDATION_TIMEOUT')],
    );
    await t.drain();
    assert.equal((await t.ingestBatch('lookups', Array(4).fill({ key: 'k', answer: 'now' }))).length, 4, 'nothing takes up room');
    await t.stop();
  });

  test('health reports a pipeline whose schema has not answered for ten consecutive events, until it answers', async () => {
    const { declared } = lookedUp();
    const t = await testMill({ pipelines: [declared] });
    const refuse = async (count: number) => {
      const all = Promise.allSettled(Array.from({ length: count }, () => t.ingest('lookups', { key: 'a', answer: 'never' })));
      await t.advance('5s');
      await all;
    };
    await refuse(9);
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    await refuse(1);
    assert.deepEqual(t.mill.health(), {
      status: 'unavailable',
      reason: 'pipeline lookups: the schema of its events does not answer',
    });
    await t.ingest('lookups', { key: 'a', answer: 'now' });
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    await refuse(10);
    await t.advance('10s');
    assert.deepEqual(t.mill.health(), { status: 'ok' }, 'nobody has tried since');
    await t.stop();
  });

  test('a turn that sends to such a pipeline fails, and becomes a dead letter after its attempts', async () => {
    const { declared } = lookedUp();
    const sender = pipeline('sender', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      retry: { attempts: 2, backoff: '1s', jitter: 0 },
      handle: ({ key }, _state, turn) => turn.send(declared, { key, answer: 'never' }),
    });
    const t = await testMill({ pipelines: [declared, sender] });
    await t.ingest('sender', { key: 'a' });
    await t.advance('5s');
    await t.advance('1s');
    await t.advance('5s');
    const [letter] = await t.deadLetters('sender');
    assert.match(letter?.reason ?? '', /^pipeline lookups: the event's schema has not answered within 5000 ms/);
    assert.equal(letter?.attempts, 2);
    await t.stop();
  });
});
