import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { onEveryStore } from './fixture.test.ts';

onEveryStore('promises 4 and 9: an unawaited failure is attributed to the turn it began in', ({ testMill }) => {
  test('an attempt failed by its own callback counts, fails alone, and ends as a dead letter', async () => {
    const begun: string[] = [];
    let atWork = Promise.withResolvers<void>();
    const callbacks = new Map<string, () => void>();
    const hanging = pipeline('hanging', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      retry: { attempts: 2, backoff: '1s', jitter: 0 },
      timeout: '1h',
      handle: ({ key }) =>
        new Promise<void>((resolve) => {
          begun.push(key);
          // Like a timer, it keeps the context in which it was created.
          callbacks.set(
            `${key} fails`,
            AsyncLocalStorage.bind(() => t.mill.turns.fail(new Error(`${key} has given up`))),
          );
          callbacks.set(
            `${key} tells`,
            AsyncLocalStorage.bind(() => assert.equal(t.mill.turns.present()?.key, key)),
          );
          callbacks.set(`${key} ends`, resolve);
          if (begun.length >= 2) atWork.resolve();
        }),
    });
    const t = await testMill({ pipelines: [hanging] });
    await t.ingest('hanging', { key: 'a' });
    await t.ingest('hanging', { key: 'b' });
    await atWork.promise;
    assert.deepEqual(
      t.mill.turns.underWay().map(({ pipeline: name, key, attempt }) => [name, key, attempt]),
      [
        ['hanging', 'a', 1],
        ['hanging', 'b', 1],
      ],
    );
    assert.equal(t.mill.turns.present(), undefined);
    t.mill.turns.fail(new Error('nobody is meant'));
    callbacks.get('a tells')?.();
    callbacks.get('b tells')?.();
    atWork = Promise.withResolvers();
    callbacks.get('a fails')?.();
    await t.advance('1s');
    await atWork.promise;
    assert.deepEqual(begun, ['a', 'b', 'a']);
    callbacks.get('a fails')?.();
    callbacks.get('b ends')?.();
    await t.drain();
    assert.deepEqual(
      (await t.deadLetters('hanging')).map(({ key, reason, attempts }) => [key, reason, attempts]),
      [['a', 'a has given up', 2]],
    );
    assert.equal(t.mill.counts().hanging?.processed, 1);
    assert.deepEqual(t.mill.turns.underWay(), []);
    await t.stop();
  });

  test('the turn is still known after a pipeline had many turns that ended at once', async () => {
    const present: unknown[] = [];
    const mixed = pipeline('mixed', {
      event: z.object({ waits: z.boolean() }),
      key: () => 'one',
      handle: ({ waits }) => {
        if (!waits) return undefined;
        return Promise.resolve().then(() => void present.push(t.mill.turns.present()?.pipeline));
      },
    });
    const t = await testMill({ pipelines: [mixed] });
    for (let n = 0; n < 200; n += 1) await t.ingest('mixed', { waits: false });
    await t.ingest('mixed', { waits: true });
    await t.ingest('mixed', { waits: true });
    await t.drain();
    assert.deepEqual(present, [undefined, 'mixed'], 'the first that waits is not followed, all later ones are');
    await t.stop();
  });
});
