import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeadLetterOf } from '../../store/store.ts';
import { isCode, onEveryStore } from './fixture.test.ts';
import { Generations, orders, seenBy } from './gone.fixture.test.ts';

const timerOf = ({ reason, attempts, timer }: DeadLetterOf<'timer'>) => ({ reason, attempts, name: timer.name });

onEveryStore('promises 5 and 9: removed timers', ({ makeStore }) => {
  test('a removed timer is a dead letter at its moment, and comes due at once when redriven under its name', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([orders({ timers: ['unpaid', 'unshipped'] })]);
    await first.ingest('orders', { key: 'a', arm: ['unpaid'] });
    const t = await generations.next([orders({ timers: ['payment_deadline', 'unshipped'] })]);
    assert.deepEqual(await t.deadLetters(), [], 'it is kept until its moment');
    const gone = { pipeline: 'orders', timer: 'unpaid', timers: 1 };
    assert.deepEqual(t.mill.leftovers(), [{ gone: 'timer', ...gone }]);
    assert.deepEqual(generations.warnings, [{ ...gone, message: 'stored timers have a name that is no longer declared' }]);
    await t.advance('1m');
    const [letter, ...more] = await t.deadLetters();
    assert.ok(letter?.kind === 'timer' && more.length === 0);
    const reason = 'timer unpaid: expected one that pipeline orders declares (payment_deadline, unshipped), found none of that name';
    assert.deepEqual(timerOf(letter), { reason, attempts: 0, name: 'unpaid' });
    assert.equal((await t.key('orders', 'a')).status, 'open');
    await t.ingest('orders', { key: 'a' });
    assert.deepEqual(await seenBy(t, 'a'), ['event', 'event'], 'its key goes on');
    await assert.rejects(t.mill.redrive(letter.id), (error: Error) => isCode('MILL_CONFLICT')(error) && error.message.includes(reason));
    const back = await generations.next([orders({ timers: ['payment_deadline', 'unpaid'] })]);
    await back.mill.redrive(letter.id);
    await back.drain();
    assert.deepEqual(await seenBy(back, 'a'), ['event', 'event', 'unpaid']);
    assert.deepEqual(await back.deadLetters(), []);
    await back.stop();
  });

  test('timers of two generations are each given up under their own name, and may be discarded', async () => {
    const generations = new Generations(makeStore());
    for (const [key, timer] of [
      ['a', 'first'],
      ['b', 'second'],
      ['c', 'constructor'],
    ] as const) {
      const t = await generations.next([orders({ timers: [timer] })]);
      await t.ingest('orders', { key, arm: [timer] });
      await t.drain();
    }
    const t = await generations.next([orders()]);
    assert.deepEqual(
      t.mill.leftovers().map((leftover) => 'timer' in leftover && leftover.timer),
      ['constructor', 'first', 'second'],
    );
    await t.advance('1m');
    const letters = await t.deadLetters();
    assert.deepEqual(letters.map((letter) => letter.kind === 'timer' && letter.timer.name).sort(), ['constructor', 'first', 'second']);
    assert.match(letters[0]?.reason ?? '', /declares \(none\)/);
    for (const { id } of letters) await t.mill.discard(id);
    assert.deepEqual(await t.deadLetters(), []);
    const again = await generations.next([orders()]);
    assert.deepEqual([again.mill.leftovers(), generations.warnings], [[], []]);
    await again.stop();
  });

  test('a timer that failed before its removal keeps its attempts', async () => {
    const generations = new Generations(makeStore());
    const broken = { ...orders({ timers: ['unpaid'] }), retry: { attempts: 5, backoffMs: 60_000, backoffMsMax: 60_000, jitter: 0 } };
    const first = await generations.next([{ ...broken, timers: { unpaid: () => Promise.reject(new Error('not yet')) } }]);
    await first.ingest('orders', { key: 'a', arm: ['unpaid'] });
    await first.advance('2m');
    const t = await generations.next([orders({ timers: ['other'] })]);
    await t.advance('2m');
    assert.deepEqual(
      (await t.deadLetters()).map(({ kind, attempts }) => [kind, attempts]),
      [['timer', 2]],
    );
    await t.stop();
  });

  test('a removed timer keeps its place before events accepted after its moment, and delays no other key', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([orders({ timers: ['unpaid'] })]);
    for (const key of ['a', 'b']) await first.ingest('orders', { key, arm: ['unpaid'] });
    const t = await generations.next([orders({ timers: ['other'] })], { crashBeforeCommit: true });
    await t.advance('1m');
    for (const key of ['a', 'b', 'c']) await t.ingest('orders', { key });
    await t.drain();
    assert.equal((await t.deadLetters()).length, 2, 'each once, though every commit fails at first');
    assert.deepEqual(await seenBy(t, 'a'), ['event', 'event']);
    assert.equal(t.mill.counts().orders?.deadLetters, 2);
    await t.stop();
  });

  test('an outcome for a removed endpoint is a dead letter, and its key is notified once the endpoint is back', async () => {
    const generations = new Generations(makeStore());
    await untold(generations);
    const t = await generations.next([orders({ endpoints: ['mail'] })]);
    const [letter, ...more] = await t.deadLetters();
    assert.ok(letter?.kind === 'outcome' && more.length === 0);
    const reason = 'outcome of delivery a 0 to shop: expected an endpoint that pipeline orders declares (mail), found none of that name';
    assert.deepEqual([letter.reason, letter.attempts, letter.outcome.endpoint, letter.outcome.id], [reason, 0, 'shop', 'a 0']);
    assert.equal(JSON.parse(letter.outcome.data).status, 'delivered');
    await assert.rejects(t.mill.redrive(letter.id), (error: Error) => isCode('MILL_CONFLICT')(error) && error.message.includes(reason));
    const deaf = await generations.next([orders({ endpoints: ['shop'], outcomes: 'unheard' })]);
    await assert.rejects(deaf.mill.redrive(letter.id), isCode('MILL_CONFLICT'));
    const back = await generations.next([orders({ endpoints: ['shop'] })]);
    await back.mill.redrive(letter.id);
    await back.drain();
    assert.deepEqual(await seenBy(back, 'a'), ['event', 'delivered a 0']);
    await back.stop();
  });

  test('an outcome of an endpoint that no longer notifies its keys is dropped, and the log says so', async () => {
    const generations = new Generations(makeStore());
    await untold(generations);
    const t = await generations.next([orders({ endpoints: ['shop'], outcomes: 'unheard' })]);
    assert.deepEqual([await t.deadLetters(), t.mill.leftovers()], [[], []]);
    assert.ok(generations.lines.some(({ level, endpoint, delivery }) => level === 'debug' && endpoint === 'shop' && delivery === 'a 0'));
    assert.deepEqual(await seenBy(t, 'a'), ['event']);
    const back = await generations.next([orders({ endpoints: ['shop'] })]);
    assert.deepEqual(await seenBy(back, 'a'), ['event'], 'it is gone');
    await back.stop();
  });

  /** Leaves an outcome in the store that its key has not been notified of: the engine ends during the notification. */
  async function untold(generations: Generations): Promise<void> {
    const t = await generations.next([orders({ endpoints: ['shop'], outcomes: 'stuck' })]);
    await t.ingest('orders', { key: 'a', tell: ['shop'] });
    await t.deadLetters();
    assert.equal(t.mill.counts().orders?.delivered, 1);
    assert.equal(t.mill.counts().orders?.running, 1);
  }
});
