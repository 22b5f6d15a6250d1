import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import { failing, isCode, onEveryKindOfStore, steps, stepsOf, upTo, withCalls } from './fixture.test.ts';

onEveryKindOfStore('promise 7: the door is bounded', ({ testMill, makeStore }) => {
  test('events beyond the backlog are refused before acceptance, and accepted again when there is room', async () => {
    const gate = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [steps({ attempt: () => gate.promise })], limits: { backlog: 10 } });
    const batch = (count: number) =>
      t.ingestBatch(
        'steps',
        Array.from({ length: count }, (_, n) => ({ key: `k${n}`, n })),
      );
    const never = { code: 'MILL_BACKLOG_FULL', message: /a batch of 11 never fits: send fewer at once$/ };
    await assert.rejects(batch(11), never, 'a batch is taken whole or not at all');
    assert.ok((await batch(8)).every(({ status }) => status === 'accepted'));
    await assert.rejects(batch(3), { code: 'MILL_BACKLOG_FULL', message: /there is no room for 3 more$/ });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.ingest('steps', { key: 'b', n: 1 });
    await assert.rejects(t.ingest('steps', { key: 'c', n: 1 }), isCode('MILL_BACKLOG_FULL'));
    gate.resolve();
    await t.drain();
    assert.equal(t.mill.counts().steps?.processed, 10);
    assert.equal((await t.ingest('steps', { key: 'c', n: 1 })).status, 'accepted');
    await t.stop();
  });

  test('a key or an id that the store cannot hold is refused before acceptance, and the longest allowed one has its turn', async () => {
    const store = makeStore();
    const lengthMax = 1_000;
    const { keyBytesMax = 3 * lengthMax } = store;
    const chosen = pipeline('chosen', { event: z.object({ id: z.string() }), id: ({ id }) => id, handle: () => undefined });
    const t = await testMill({ store, pipelines: [steps({}, { numbered: true }), chosen], limits: { keyLength: lengthMax } });
    const longest = incompressible(Math.floor(keyBytesMax / 3)).padEnd(Math.floor(keyBytesMax / 3) + (keyBytesMax % 3), 'x');
    await t.ingest('chosen', { id: longest });
    // The second number waits for the first, so it is held and there is a gap.
    await t.ingest('steps', { key: longest, n: 2 });
    await t.advance('5s');
    await t.ingest('steps', { key: longest, n: 1 });
    await t.drain();
    assert.deepEqual(await stepsOf(t, longest), [1, 2]);
    assert.equal((await t.ingest('chosen', { id: longest })).status, 'duplicate');
    const tooLong = `${incompressible(lengthMax - 1)}x`;
    if (store.keyBytesMax !== undefined) {
      const message = new RegExp(`expected at most ${keyBytesMax} bytes in UTF-8, the database's limit, found ${3 * lengthMax - 2}`);
      await assert.rejects(t.ingest('steps', { key: tooLong, n: 1 }), { code: 'MILL_INVALID_EVENT', message });
      await assert.rejects(t.ingest('chosen', { id: `${longest}x` }), { code: 'MILL_INVALID_EVENT' });
    } else assert.equal((await t.ingest('steps', { key: tooLong, n: 1 })).status, 'accepted');
    await t.drain();
    assert.equal(t.mill.counts().steps?.deadLetters, 0);
    await t.stop();
  });

  test('events without keys that wait for a retry count toward the backlog, but a waiting key does not', async () => {
    const keyless = pipeline('keyless', { event: z.object({}), retry: { backoff: '1m', jitter: 0 }, handle: failing });
    const keyed = pipeline('keyed', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      retry: { backoff: '1m' },
      handle: failing,
    });
    const t = await testMill({ pipelines: [keyless, keyed], limits: { backlog: 2 } });
    for (const event of [{}, {}]) await t.ingest('keyless', event);
    for (const key of ['a', 'b', 'c']) {
      await t.ingest('keyed', { key });
      await t.drain();
    }
    assert.deepEqual([t.mill.counts().keyless?.held, t.mill.counts().keyed?.held], [2, 3]);
    await assert.rejects(t.ingest('keyless', {}), isCode('MILL_BACKLOG_FULL'));
    await t.stop();
  });

  test('events that the store has not answered yet count toward the backlog', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    const append: Store['append'] = async (events) => {
      await gate.promise;
      return base.append(events);
    };
    const t = await testMill({ pipelines: [steps()], limits: { backlog: 3 }, store: withCalls(base, { append }) });
    const accepted: Promise<unknown>[] = [];
    for (const n of [1, 2, 3]) {
      accepted.push(t.ingest('steps', { key: `k${n}`, n }));
      await setImmediate();
    }
    await assert.rejects(t.ingest('steps', { key: 'k4', n: 4 }), isCode('MILL_BACKLOG_FULL'));
    gate.resolve();
    await Promise.all(accepted);
    await t.drain();
    await t.ingest('steps', { key: 'k4', n: 4 });
    await t.stop();
  });

  test('events with a slow schema count toward the backlog meanwhile, and none slips in after a stop', async () => {
    const gate = Promise.withResolvers<void>();
    const event = z.object({ n: z.number() }).refine(() => gate.promise.then(() => true));
    const t = await testMill({ pipelines: [pipeline('checked', { event, handle() {} })], limits: { backlog: 10 } });
    const calls = Array.from({ length: 30 }, (_, n) =>
      t.ingest('checked', { n }).then(
        ({ status }) => status,
        (error) => error.code,
      ),
    );
    const batch = t.ingestBatch('checked', [{ n: 1 }]).catch((error) => error.code);
    assert.equal(await batch, 'MILL_BACKLOG_FULL');
    const stopped = t.mill.stop();
    gate.resolve();
    await stopped;
    const answers = await Promise.all(calls);
    assert.deepEqual([...new Set(answers.slice(0, 10))], ['MILL_STOPPING']);
    assert.deepEqual([...new Set(answers.slice(10))], ['MILL_BACKLOG_FULL']);
  });

  test('a full key accepts no more events, but other keys do', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.drain();
    for (let n = 3; n <= 21; n += 1) await t.ingest('steps', { key: 'a', n });
    await assert.rejects(t.ingest('steps', { key: 'a', n: 22 }), isCode('MILL_KEY_FULL'));
    assert.equal((await t.ingest('steps', { key: 'a', n: 1 })).status, 'accepted', 'the number that all others wait for comes in');
    assert.equal((await stepsOf(t, 'a')).length, 21);
    assert.equal((await t.ingest('steps', { key: 'b', n: 2 })).status, 'accepted');
    await t.stop();
  });

  test('an invalid event is refused with its faults, and nothing is stored', async () => {
    const t = await testMill({ pipelines: [steps()] });
    await assert.rejects(t.ingest('steps', { key: 'a', n: 'one' }), (error) => {
      assert.ok(error instanceof MillraceError);
      assert.deepEqual(
        error.issues.map(({ path }) => path),
        ['n'],
      );
      return error.code === 'MILL_INVALID_EVENT';
    });
    await assert.rejects(t.ingest('steps', { key: '', n: 1 }), isCode('MILL_INVALID_EVENT'));
    assert.equal(t.mill.counts().steps?.received, 0);
    assert.equal(t.mill.counts().steps?.rejected, 2);
    await t.stop();
  });

  test('settled, refused and duplicate events free their key’s room; waiting ones keep it across a crash', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
    await t.ingest('steps', { key: 'a', n: 200 });
    for (const n of upTo(50)) {
      await t.ingest('steps', { key: 'a', n });
      assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'duplicate');
      await t.drain();
    }
    const batch = await t.ingestBatch(
      'steps',
      Array.from({ length: 30 }, (_, at) => ({ key: 'a', n: 52 + at })),
    );
    assert.equal(batch.filter(({ status }) => status === 'accepted').length, 19, 'one batch cannot go beyond the bound either');
    await t.crash();
    await t.drain();
    await assert.rejects(t.ingest('steps', { key: 'a', n: 100 }), isCode('MILL_KEY_FULL'));
    await t.stop();
  });

  test('a key without numbers is limited too while it waits for a retry or an operator', async () => {
    let broken = true;
    const attempt = () => {
      if (broken) throw new Error('poison');
    };
    const t = await testMill({ pipelines: [steps({ attempt })], limits: { pendingPerKey: 5 } });
    for (const n of upTo(5)) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    await assert.rejects(t.ingest('steps', { key: 'a', n: 6 }), isCode('MILL_KEY_FULL'));
    await t.advance('1m');
    await t.crash();
    await t.ingest('steps', { key: 'b', n: 1 });
    await t.key('steps', 'a');
    await assert.rejects(t.ingest('steps', { key: 'a', n: 6 }), isCode('MILL_KEY_FULL'));
    broken = false;
    for (const letter of await t.deadLetters()) if (letter.key === 'a') await t.mill.redrive(letter.id);
    await t.advance('1m');
    for (const n of [6, 7, 8, 9, 10, 11, 12]) await t.ingest('steps', { key: 'a', n });
    assert.deepEqual(await stepsOf(t, 'a'), upTo(12));
    await t.stop();
  });

  test('a batch, a body, a key or an id that is too large is refused, and so is an invalid number', async () => {
    const limits = { batch: 3, eventBytes: 200, keyLength: 20 };
    const t = await testMill({
      pipelines: [
        steps(),
        pipeline('numbers', {
          event: z.object({ key: z.string(), n: z.number() }),
          key: ({ key }) => key,
          order: { by: ({ n }) => n },
          handle() {},
        }),
        pipeline('notes', { event: z.string(), handle() {} }),
      ],
      limits,
    });
    const events = upTo(4).map((n) => ({ key: 'a', n }));
    await assert.rejects(t.ingestBatch('steps', events), isCode('MILL_INVALID_REQUEST'));
    await assert.rejects(t.ingest('steps', { key: 'k'.repeat(21), n: 1 }), isCode('MILL_INVALID_EVENT'));
    await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }, { id: 'i'.repeat(21) }), isCode('MILL_INVALID_EVENT'));
    await assert.rejects(t.ingest('notes', 'ü'.repeat(100)), isCode('MILL_BODY_TOO_LARGE'));
    for (const n of [0, -1, 1.5]) await assert.rejects(t.ingest('numbers', { key: 'a', n }), isCode('MILL_INVALID_EVENT'));
    assert.equal((await t.ingest('notes', 'u'.repeat(198))).status, 'accepted');
    const verdicts = await t.ingestBatch('steps', [{ key: 'a', n: 1 }, { key: 'a' }, { key: 'a', n: 2 }]);
    assert.deepEqual(
      verdicts.map(({ status }) => status),
      ['accepted', 'rejected', 'accepted'],
    );
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
    await t.stop();
  });
});

/** An incompressible text of `length` characters, of three bytes each. */
function incompressible(length: number): string {
  return Array.from({ length }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7_919) % 20_000))).join('');
}
