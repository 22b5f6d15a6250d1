import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { type CommitCall, failing, onEveryStore, upTo, withCalls } from './fixture.test.ts';

const Letter = z.object({ to: z.string(), from: z.string(), n: z.int() });
type Letter = z.infer<typeof Letter>;
const Received = z.object({ letters: z.array(z.string()) });

/** A pipeline whose state records which letters arrived, and in which order. */
function inbox<Name extends string>(name: Name, attempt: (letter: Letter, attempt: number) => unknown = () => undefined) {
  return pipeline(name, {
    event: Letter,
    key: ({ to }) => to,
    state: Received,
    retry: { attempts: 5, backoff: '1s' },
    handle(letter, state, turn) {
      const decide = () => ({ letters: [...(state?.letters ?? []), `${letter.from}${letter.n}`] });
      const done = attempt(letter, turn.attempt);
      return done instanceof Promise ? done.then(decide) : decide();
    },
  });
}

async function lettersOf(t: TestMill, name: string, key: string): Promise<readonly string[]> {
  return Received.parse((await t.state(name, key)) ?? { letters: [] }).letters;
}

onEveryStore('promise 2: sends', ({ testMill, makeStore }) => {
  test('a send commits with its turn: neither exists without the other, whenever the power is cut', async () => {
    const sent = table('sent', { n: 'integer' }, { primaryKey: ['n'] });
    const target = inbox('target');
    const sender = pipeline('sender', {
      event: z.object({ n: z.int() }),
      key: () => 'a',
      tables: { sent },
      handle({ n }, _state, turn) {
        turn.add(sent, { n });
        turn.send(target, { to: 'b', from: 'a', n });
      },
    });
    const base = makeStore();
    let calls = 0;
    let cutAt = 0;
    // Alternately dies before the commit and, without an answer, after it.
    const commit: CommitCall = async (work, lease) => {
      calls += 1;
      if (calls !== cutAt) return lease.commit(work);
      if (cutAt % 2 === 0) await lease.commit(work);
      cut.resolve();
      return new Promise(() => undefined);
    };
    let cut = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [sender, target], store: withCalls(base, { commit }) });
    for (let n = 1; n <= 12; n += 1) {
      cut = Promise.withResolvers();
      calls = 0;
      cutAt = 1 + (n % 4);
      await t.ingest('sender', { n });
      await Promise.race([cut.promise, t.drain()]);
      await t.crash();
      const rows = (await t.rows(sent)).length;
      assert.ok(rows === n || rows === n - 1);
    }
    cutAt = 0;
    await t.drain();
    assert.deepEqual(
      (await t.rows(sent)).map((row) => row.n),
      upTo(12),
    );
    assert.deepEqual(
      await lettersOf(t, 'target', 'b'),
      upTo(12).map((n) => `a${n}`),
    );
    await t.stop();
  });

  test('a failing turn sends nothing, and the sends of its last attempt arrive once', async () => {
    const target = inbox('target', ({ n }, attempt) => (n % 3 === 0 && attempt < 3 ? failing() : undefined));
    const sender = pipeline('sender', {
      event: z.object({ n: z.int() }),
      key: () => 'a',
      retry: { attempts: 4, backoff: '1s' },
      handle({ n }, _state, turn) {
        turn.send(target, { to: 'b', from: `attempt ${turn.attempt} of `, n });
        if (n % 2 === 0 && turn.attempt < 4) failing();
      },
    });
    for (const crashBeforeCommit of [false, true]) {
      const t = await testMill({ pipelines: [sender, target], store: makeStore(), crashBeforeCommit });
      for (const n of upTo(9)) await t.ingest('sender', { n });
      await t.advance('10m');
      const expected = upTo(9).map((n) => `attempt ${n % 2 === 0 ? 4 : 1} of ${n}`);
      assert.deepEqual(await lettersOf(t, 'target', 'b'), expected);
      await t.stop();
    }
  });

  test('a letter arrives even if nobody knows that its commit took effect, and no other letter is needed to find it', async () => {
    const target = inbox('target');
    const sender = pipeline('sender', {
      event: z.object({ n: z.int() }),
      key: () => 'a',
      handle: ({ n }, _state, turn) => turn.send(target, { to: 'b', from: 'a', n }),
    });
    const base = makeStore();
    let isLost = true;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      if (!isLost || work.sends.length === 0) return committed;
      isLost = false;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the answer was lost');
    };
    const t = await testMill({ pipelines: [sender, target], store: withCalls(base, { commit }) });
    await t.ingest('sender', { n: 1 });
    await t.drain();
    assert.deepEqual(await lettersOf(t, 'target', 'b'), ['a1']);
    assert.equal(t.mill.counts().target?.processed, 1);
    await t.stop();
  });

  test('an unacceptable letter fails the turn that sends it, and nothing of that turn takes effect', async () => {
    const target = inbox('target');
    const sender = pipeline('sender', {
      event: z.object({ letters: z.array(z.unknown()) }),
      key: () => 'a',
      state: z.object({ sent: z.int() }),
      retry: { attempts: 1 },
      onGiveUp: 'skip',
      handle({ letters }, state, turn) {
        for (const letter of letters) turn.send(target, letter as Letter);
        return { sent: (state?.sent ?? 0) + letters.length };
      },
    });
    const t = await testMill({ pipelines: [sender, target] });
    const good = { to: 'b', from: 'a', n: 1 };
    await t.ingest('sender', { letters: [good, { to: 'b', from: 'a', n: 'two' }] });
    await t.ingest('sender', { letters: [good] });
    await t.drain();
    assert.deepEqual([await lettersOf(t, 'target', 'b'), await t.state('sender', 'a')], [['a1'], { sent: 1 }]);
    assert.match((await t.deadLetters())[0]?.reason ?? '', /pipeline target: n: /);
    await t.stop();
  });

  test('sends from one key to another arrive in order, in the same pipeline and in others', async () => {
    const far = inbox('far', ({ n }) => (n % 5 === 0 ? new Promise((resolve) => globalThis.setImmediate(resolve)) : undefined));
    const near = pipeline('near', {
      event: z.object({ at: z.string(), letter: Letter.optional(), n: z.int() }),
      key: ({ at }) => at,
      state: Received,
      retry: { attempts: 5, backoff: '1s' },
      handle({ at, letter, n }, state, turn) {
        const letters = state?.letters ?? [];
        if (letter !== undefined) return { letters: [...letters, `${letter.from}${letter.n}`] };
        if (n % 7 === 0 && turn.attempt < 2) failing();
        for (const part of [2 * n, 2 * n + 1]) {
          for (const to of ['x', 'y']) {
            turn.send(far, { to, from: at, n: part });
            turn.send('near', { at: to, letter: { to, from: at, n: part }, n });
          }
        }
        return undefined;
      },
    });
    const t = await testMill({ pipelines: [near, far], crashBeforeCommit: true });
    for (const n of upTo(20)) for (const at of ['a', 'b', 'c']) await t.ingest('near', { at, n });
    await t.advance('10m');
    for (const name of ['near', 'far']) {
      for (const key of ['x', 'y']) {
        const letters = await lettersOf(t, name, key);
        assert.equal(letters.length, 120);
        for (const from of ['a', 'b', 'c']) {
          const expected = upTo(20).flatMap((n) => [`${from}${2 * n}`, `${from}${2 * n + 1}`]);
          assert.deepEqual(
            letters.filter((letter) => letter.startsWith(from)),
            expected,
            `${from} to ${key} of ${name}`,
          );
        }
      }
    }
    await t.stop();
  });

  test('letters for a key that waits for a retry, is parked, or is not in memory keep their order', async () => {
    let isBroken = true;
    const target = inbox('target', ({ n }) => (n === 1 && isBroken ? failing() : undefined));
    const sender = pipeline('sender', {
      event: z.object({ n: z.int() }),
      key: () => 'a',
      handle: ({ n }, _state, turn) => turn.send(target, { to: 'b', from: 'a', n }),
    });
    const t = await testMill({ pipelines: [sender, target], limits: { warmKeys: 1 } });
    for (const n of upTo(100)) await t.ingest('sender', { n });
    await t.advance('1m');
    assert.deepEqual([await lettersOf(t, 'target', 'b'), (await t.key('target', 'b')).status], [[], 'parked']);
    await t.crash();
    for (const n of [101, 102]) await t.ingest('sender', { n });
    await t.drain();
    isBroken = false;
    await t.mill.redrive((await t.deadLetters())[0]?.id ?? '');
    await t.drain();
    assert.deepEqual(
      await lettersOf(t, 'target', 'b'),
      upTo(102).map((n) => `a${n}`),
    );
    await t.stop();
  });

  test('a ring of three keys passes a token 5,000 times, and the amount waiting never exceeds the token', async () => {
    const passes = 5_000;
    let most = 0;
    const ring: AnyPipeline = pipeline('ring', {
      event: z.object({ at: z.int(), left: z.int() }),
      key: ({ at }) => String(at),
      state: z.object({ passed: z.int() }),
      handle({ at, left }, state, turn) {
        const { depth = 0, held = 0, running = 0 } = t.mill.counts().ring ?? {};
        most = Math.max(most, depth, held, running);
        if (left > 0) turn.send('ring', { at: (at + 1) % 3, left: left - 1 });
        return { passed: (state?.passed ?? 0) + 1 };
      },
    });
    // Memory has room for only this much.
    const t = await testMill({ pipelines: [ring], limits: { feed: 1, warmKeys: 3 } });
    await t.ingest('ring', { at: 0, left: passes });
    await t.drain();
    const passed = await Promise.all([0, 1, 2].map((at) => t.state('ring', String(at))));
    assert.deepEqual(passed, [{ passed: 1_667 }, { passed: 1_667 }, { passed: 1_667 }]);
    const { received, processed, depth, held } = t.mill.counts().ring ?? {};
    assert.deepEqual([received, processed, depth, held], [passes + 1, passes + 1, 0, 0]);
    assert.ok(most <= 1, `${most} waited at once`);
    await t.stop();
  });

  test('a chain through 200 keys of two pipelines completes despite a crash before every commit', async () => {
    const links: AnyPipeline[] = ['even', 'odd'].map((name) =>
      pipeline(name, {
        event: z.object({ n: z.int() }),
        key: ({ n }) => String(n),
        state: z.object({ seen: z.int() }),
        handle({ n }, state, turn) {
          if (n < 200) turn.send(links[(n + 1) % 2] as AnyPipeline, { n: n + 1 });
          return { seen: (state?.seen ?? 0) + 1 };
        },
      }),
    );
    const t = await testMill({ pipelines: links, crashBeforeCommit: true });
    await t.ingest('even', { n: 0 });
    await t.advance('1h');
    assert.deepEqual([await t.state('even', '200'), await t.state('odd', '199')], [{ seen: 1 }, { seen: 1 }]);
    assert.deepEqual([t.mill.counts().even?.processed, t.mill.counts().odd?.processed], [101, 100]);
    await t.stop();
  });

  test('one turn fans out to 10,000 keys, each of which answers once', async () => {
    const target = pipeline('target', {
      event: z.object({ to: z.int() }),
      key: ({ to }) => String(to),
      handle: ({ to }, _state, turn) => turn.send(fan, { part: to }),
    });
    const fan: AnyPipeline = pipeline('fan', {
      event: z.object({ part: z.int().optional(), parts: z.int().optional() }),
      key: () => 'fan',
      state: z.object({ parts: z.int(), sum: z.int() }),
      handle({ part, parts = 0 }, state, turn) {
        for (let to = 1; to <= parts; to += 1) turn.send(target, { to });
        const { parts: before = 0, sum = 0 } = state ?? {};
        return part === undefined ? { parts: before, sum } : { parts: before + 1, sum: sum + part };
      },
    });
    const t = await testMill({ pipelines: [fan, target] });
    await t.ingest('fan', { parts: 10_000 });
    await t.drain();
    assert.deepEqual(await t.state('fan', 'fan'), { parts: 10_000, sum: 50_005_000 });
    assert.equal(t.mill.counts().target?.processed, 10_000);
    await t.stop();
  });

  test('one turn may send more events than a call has room for arguments', async () => {
    const target = pipeline('target', { event: z.object({}), handle() {} });
    const fan = pipeline('fan', {
      event: z.object({ parts: z.int() }),
      handle({ parts }, _state, turn) {
        for (let part = 0; part < parts; part += 1) turn.send(target, {});
      },
    });
    const t = await testMill({ pipelines: [fan, target], limits: { effects: 150_000 } });
    await t.ingest('fan', { parts: 150_000 });
    await t.drain();
    assert.equal(t.mill.counts().target?.processed, 150_000);
    await t.stop();
  });
});
