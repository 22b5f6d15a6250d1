import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { sliceOf } from '../identify.ts';
import { type CommitCall, failing, isCode, onEveryStore, steps, stepsOf, upTo, withCalls } from './fixture.test.ts';

/** A store that has room or not, as the test decides. */
function withRoom(store: Store) {
  const room = { isFull: false, claims: 0, appends: 0 };
  const check = () => {
    if (room.isFull) throw new MillraceError('MILL_STORE_FULL', 'no space is left');
  };
  const full = withCalls(store, {
    async claim(partition) {
      room.claims += 1;
      check();
      return store.claim(partition);
    },
    async append(events) {
      room.appends += 1;
      check();
      return store.append(events);
    },
    async commit(commit, lease) {
      check();
      return lease.commit(commit);
    },
  });
  return { room, store: full };
}

onEveryStore('promises 1, 2, 8: a store without room', ({ testMill, makeStore }) => {
  test('accepts nothing, lets no turn begin, and resumes by itself', async (t) => {
    const { room, store } = withRoom(makeStore());
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
    };
    const mill = await testMill({ store, pipelines: [steps({ attempt })] });
    t.after(() => mill.stop());
    await mill.ingest('steps', { key: 'a', n: 1 });
    await mill.drain();
    room.isFull = true;
    await assert.rejects(mill.ingest('steps', { key: 'a', n: 2 }), isCode('MILL_STORE_FULL'));
    const [appends, attemptsThen] = [room.appends, attempts];
    await mill.advance('10s');
    for (const n of [2, 3]) await assert.rejects(mill.ingest('steps', { key: 'a', n }), isCode('MILL_STORE_FULL'));
    assert.deepEqual([room.appends, attempts], [appends, attemptsThen], 'refused at the door');
    assert.deepEqual(await stepsOf(mill, 'a'), [1]);
    assert.match(mill.mill.health().reason ?? '', /no space is left/);
    room.isFull = false;
    await mill.advance('5s');
    for (const n of [2, 3]) await mill.ingest('steps', { key: 'a', n });
    await mill.drain();
    assert.deepEqual(await stepsOf(mill, 'a'), upTo(3));
    assert.deepEqual(mill.mill.health(), { status: 'ok' });
  });

  test('refuses at once to discard waiting events, and does it once there is room', async (t) => {
    const { room, store } = withRoom(makeStore());
    const mill = await testMill({ store, pipelines: [steps()] });
    t.after(() => mill.stop());
    await mill.mill.pause('steps');
    for (const n of [1, 2]) await mill.ingest('steps', { key: 'a', n });
    room.isFull = true;
    for (let time = 0; time < 2; time += 1) await assert.rejects(mill.mill.discardEvents('steps'), isCode('MILL_STORE_FULL'));
    room.isFull = false;
    await mill.advance('5s');
    assert.equal(await mill.mill.discardEvents('steps'), 2);
  });

  test('a discard refused by one partition has ended in all others when that is reported', async (t) => {
    const base = makeStore();
    if (base.partitions === 1) return;
    const sliceOfKey = (key: string) => sliceOf(key, base.partitions);
    const one = 'a';
    const other =
      upTo(100)
        .map(String)
        .find((key) => sliceOfKey(key) !== sliceOfKey(one)) ?? assert.fail();
    const gate = Promise.withResolvers<void>();
    let isFull = false;
    let held = 0;
    const commit: CommitCall = async (work, lease) => {
      if (!isFull) return lease.commit(work);
      if (lease.partition.slice === sliceOfKey(one)) throw new MillraceError('MILL_STORE_FULL', 'no space is left');
      held += 1;
      await gate.promise;
      return lease.commit(work);
    };
    const mill = await testMill({ store: withCalls(base, { commit }), pipelines: [steps()] });
    t.after(() => {
      gate.resolve();
      return mill.stop();
    });
    await mill.mill.pause('steps');
    for (const key of [one, other]) await mill.ingest('steps', { key, n: 1 });
    isFull = true;
    let isTold = false;
    const discarded = mill.mill.discardEvents('steps').finally(() => {
      isTold = true;
    });
    const refused = assert.rejects(discarded, isCode('MILL_STORE_FULL'));
    await until(() => held > 0);
    for (let turns = 0; turns < 50; turns += 1) await setImmediate();
    assert.equal(isTold, false);
    gate.resolve();
    await refused;
  });

  test('starts, answers reads and refuses the rest, and handles waiting events once there is room', async (t) => {
    const base = makeStore();
    const before = await testMill({ store: base, pipelines: [steps({ attempt: failing }, { attempts: 1 })] });
    await before.ingest('steps', { key: 'a', n: 1 });
    await before.drain();
    await before.ingest('steps', { key: 'a', n: 2 });
    await before.stop();
    const { room, store } = withRoom(base);
    room.isFull = true;
    const mill = await testMill({ store, pipelines: [steps()] });
    t.after(() => mill.stop());
    const [letter] = await mill.deadLetters();
    assert.ok(letter?.kind === 'event' && letter.parked);
    await assert.rejects(mill.mill.redrive(letter.id), isCode('MILL_STORE_FULL'));
    await assert.rejects(mill.mill.discard(letter.id), isCode('MILL_STORE_FULL'));
    await assert.rejects(mill.ingest('steps', { key: 'b', n: 1 }), isCode('MILL_STORE_FULL'));
    assert.equal((await mill.mill.keys('steps', ['a']))[0]?.status, 'parked');
    const { claims } = room;
    await mill.advance('60s');
    assert.ok(room.claims - claims <= 62 * base.partitions, 'the claim is tried every second or two');
    room.isFull = false;
    await mill.advance('5s');
    await mill.mill.redrive(letter?.id ?? '');
    await mill.drain();
    assert.deepEqual(await stepsOf(mill, 'a'), upTo(2));
  });
});
