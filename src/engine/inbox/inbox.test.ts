import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { lettersOf } from '../../store/letters-of.ts';
import type { Inbox, Lease, Store } from '../../store/store.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { type Mill, millrace } from '../mill.ts';
import { withMembers } from '../promises/fixture.test.ts';
import { onEveryInbox } from './inbox.fixture.test.ts';
import { seen, stepsOf, Turns } from './steps.fixture.test.ts';

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

/** Returns the rows of a key in the table, in the order of its turns. */
async function rowsOf(mill: Mill, key: string): Promise<readonly number[]> {
  assert.equal(await mill.settled('steps', 10_000), true);
  const rows = await mill.query(seen).selectAll().where('key', '=', key).orderBy('nth').execute();
  return rows.map(({ n }) => n);
}

/** The store, whose inbox has some calls replaced. */
type TakeInbox = NonNullable<Lease['takeInbox']>;

function withInbox(store: Store, replaced: (inbox: Inbox) => Partial<Inbox>): Store {
  const { inbox } = store;
  assert.ok(inbox !== undefined);
  return withMembers(store, { inbox: withMembers(inbox, replaced(inbox)) });
}

/** A store whose leases take inbox rows as the test decides. */
function taking(store: Store, take: (take: TakeInbox) => TakeInbox): Store {
  const claim: Store['claim'] = async (partition) => {
    const lease = await store.claim(partition);
    return withMembers(lease, { takeInbox: take(async (takings) => (await lease.takeInbox?.(takings)) ?? []) });
  };
  return withMembers(store, { claim });
}

/** A store, and a function that resolves once the inbox has been asked that many times for waiting rows. */
function watching(store: Store) {
  const looks = new Set<() => void>();
  const watched = withInbox(store, (inbox) => ({
    async waiting(...asked) {
      const found = await inbox.waiting(...asked);
      void setImmediate().then(() => {
        for (const look of looks) look();
      });
      return found;
    },
  }));
  const looksTo = (count: number) =>
    new Promise<void>((resolve) => {
      let left = count;
      const look = () => {
        left -= 1;
        if (left > 0) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
    });
  return { store: watched, looks: looksTo };
}

onEveryInbox('the inbox', (worldOf) => {
  test('committed rows of another program have their turn once, in the order of the commits, and leave the inbox', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const { mill } = await world.start({ pipelines: [stepsOf(turns)] });
    const writer = await world.writer();
    for (const n of upTo(600)) await writer.insert({ key: n % 2 === 0 ? 'even' : 'odd', n });
    await turns.count(600);
    assert.equal(await mill.settled('steps', 10_000), true);
    assert.deepEqual(
      await rowsOf(mill, 'even'),
      upTo(300).map((n) => 2 * n),
    );
    assert.deepEqual(
      await rowsOf(mill, 'odd'),
      upTo(300).map((n) => 2 * n - 1),
    );
    assert.equal(mill.counts().steps?.received, 600);
  });

  test('rows from before the start are taken in, even more than fit at once', async (context) => {
    const world = await worldOf(context);
    const first = await world.start({ pipelines: [stepsOf(new Turns())] });
    await first.mill.stop();
    const writer = await world.writer();
    await writer.run('BEGIN');
    for (const n of upTo(700)) await writer.insert({ key: 'a', n });
    await writer.run('COMMIT');
    const turns = new Turns();
    await world.start({ pipelines: [stepsOf(turns)] });
    await turns.count(700);
    assert.deepEqual(turns.of('a'), upTo(700));
  });

  test('rolled-back rows are never seen', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    await world.start({ pipelines: [stepsOf(turns)] });
    const writer = await world.writer();
    await writer.run('BEGIN');
    await writer.insert({ key: 'a', n: 1 });
    await writer.run('ROLLBACK');
    await writer.insert({ key: 'a', n: 2 });
    await turns.count(1);
    assert.deepEqual(turns.of('a'), [2]);
  });

  test('a row that yields no event is a dead letter with its reason and the row, and holds nobody up', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const { mill, lines } = await world.start({ pipelines: [stepsOf(turns)], limits: { eventBytes: 100 } });
    const writer = await world.writer();
    const bad = [
      '{"key":',
      { key: 'a', n: 'two' },
      '12345678901234567890',
      { key: 'a', n: 1, more: 'x'.repeat(100) },
      { key: '', n: 1 },
      '['.repeat(90),
    ];
    for (const event of bad) await writer.insert(event);
    await writer.insert({ key: 'a', n: 3 }, { id: 'x'.repeat(600) });
    await writer.insert({ key: 'a', n: 9007199254740993n.toString() });
    await writer.insert({ key: 'a', n: 4 });
    await turns.count(1);
    assert.deepEqual(turns.steps, [{ key: 'a', n: 4 }]);
    const letters = lettersOf('origin', await mill.deadLetters());
    assert.equal(letters.length, bad.length + 2);
    const rows = letters.map(({ origin }) => JSON.parse(origin));
    assert.deepEqual(
      rows.slice(0, 2).map(({ event }) => event),
      ['{"key":', '{"key":"a","n":"two"}'],
    );
    assert.ok(rows.every(({ millrace_inbox: place }, at) => at === 0 || place > rows[at - 1].millrace_inbox));
    const reasons = letters.map(({ reason }) => reason);
    for (const [at, reason] of [
      /expected JSON/,
      /n: .*expected number/i,
      /send it as text/,
      /at most 100 bytes/,
      /key: expected/,
      /JSON/,
      /id: expected/,
    ].entries())
      assert.match(String(reasons[at]), reason);
    assert.equal(mill.counts().steps?.deadLetters, letters.length);
    assert.ok(lines.some(({ level, message, fields }) => level === 'error' && /dead letters/.test(message) && fields.pipeline === 'steps'));

    const [first] = letters;
    const cut = letters.find(({ reason }) => /at most 100 bytes/.test(reason));
    assert.ok(first !== undefined && cut !== undefined);
    await assert.rejects(mill.redrive(cut.id), { code: 'MILL_CONFLICT', message: /the beginning of its event.*millrace_inbox again/ });
    await mill.discard(first.id);
    assert.equal(mill.counts().steps?.deadLetters, letters.length - 1);
  });

  test('a dead letter is redriven through the inbox: if the schema still refuses it, it is a dead letter again; otherwise it is taken once', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const before = await world.start({ pipelines: [stepsOf(turns)] });
    const writer = await world.writer();
    await writer.insert({ key: 'a', n: '1' }, { id: 'one' });
    await writer.insert({ key: 'a', n: 'two' });
    await writer.insert({ key: 'a', n: 3 });
    await turns.count(1);
    const ofMill = async (mill: Mill) => lettersOf('origin', await mill.deadLetters());
    const [one, two] = await ofMill(before.mill);
    assert.ok(one !== undefined && two !== undefined);
    await before.mill.redrive(one.id);
    await assert.rejects(before.mill.redrive(one.id), { code: 'MILL_NOT_FOUND' });
    await until(async () => (await ofMill(before.mill)).length >= 2);
    const [again] = (await ofMill(before.mill)).filter(({ id }) => id !== two.id);
    assert.deepEqual([JSON.parse(again?.origin ?? '').event, JSON.parse(again?.origin ?? '').id], ['{"key":"a","n":"1"}', 'one']);
    assert.equal(before.mill.counts().steps?.deadLetters, 2);
    await before.mill.stop();
    const mended = new Turns();
    const { mill } = await world.start({ pipelines: [stepsOf(mended, 'steps', { reads: 'texts' })] });
    await mill.redrive(again?.id ?? '');
    await mended.has(1);
    assert.deepEqual(await rowsOf(mill, 'a'), [3, 1]);
    assert.deepEqual(
      (await ofMill(mill)).map(({ id }) => id),
      [two.id],
    );
    assert.equal(mill.counts().steps?.deadLetters, 1);
    assert.equal((await mill.ingest('steps', { key: 'a', n: 1 }, { id: 'one' })).status, 'duplicate');
  });

  test('a row redriven while its pipeline is paused waits in the inbox, behind those already waiting', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const store = world.store();
    const { mill } = await world.start({ store, pipelines: [stepsOf(turns, 'steps', { reads: 'texts' })] });
    const writer = await world.writer();
    await writer.insert({ key: 'a', n: 'bad' });
    await writer.insert({ key: 'a', n: 1 });
    await turns.count(1);
    const [letter] = await mill.deadLetters();
    await mill.pause('steps');
    await writer.insert({ key: 'a', n: 2 });
    await mill.redrive(letter?.id ?? '');
    assert.deepEqual(await mill.deadLetters(), []);
    const waiting = async () => {
      const [stored] = (await store.inventory({ uncounted: [], named: [] })).filter(({ pipeline }) => pipeline === 'steps');
      return stored?.inbox;
    };
    assert.equal(await waiting(), 2);
    await mill.resume('steps');
    await turns.count(2);
    await until(async () => (await mill.deadLetters()).length > 0);
    assert.equal(await waiting(), 0);
    assert.deepEqual(await rowsOf(mill, 'a'), [1, 2]);
  });

  test('health’s warning about rows that nobody takes disappears with the rows', async (context) => {
    const world = await worldOf(context);
    const { mill } = await world.start({ pipelines: [stepsOf(new Turns())] });
    const writer = await world.writer();
    await writer.insert({ key: 'a', n: 1 }, { pipeline: 'later' });
    await until(() => mill.health().warnings !== undefined);
    await writer.run('DELETE FROM millrace_inbox');
    await until(() => mill.health().warnings === undefined);
  });

  test('rows of an undeclared pipeline wait and are shown, and hold nobody up, until the pipeline is declared', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const { mill, lines } = await world.start({ pipelines: [stepsOf(turns)] });
    const writer = await world.writer();
    await writer.insert({ key: 'b', n: 1 }, { pipeline: 'later' });
    await writer.insert({ key: 'b', n: 2 }, { pipeline: 'later' });
    await writer.insert({ key: 'c', n: 1 }, { pipeline: 'millrace_schedules' });
    await writer.insert({ key: 'a', n: 1 });
    await turns.count(1);
    const shown = () => mill.health().warnings?.join('\n') ?? '';
    for (let n = 2; !/2 rows wait for pipeline later, which no engine declares/.test(shown()); n += 1) {
      await writer.insert({ key: 'a', n });
      await turns.count(n);
    }
    assert.match(shown(), /1 row waits for pipeline millrace_schedules/);
    const warned = lines.filter(({ level, message }) => level === 'warn' && /no engine declares/.test(message));
    assert.deepEqual(
      warned.map(({ fields }) => fields.pipeline),
      ['later', 'millrace_schedules'],
    );
    assert.equal(mill.health().status, 'ok');
    await mill.stop();
    const still = await world.start({ pipelines: [stepsOf(new Turns())] });
    await until(() => still.mill.leftovers().length >= 2);
    const nothing = { events: 0, states: 0, timers: 0, deliveries: 0, outcomes: 0, deadLetters: 0 };
    assert.deepEqual(still.mill.leftovers(), [
      { gone: 'pipeline', pipeline: 'later', ...nothing, inbox: 2 },
      { gone: 'pipeline', pipeline: 'millrace_schedules', ...nothing, inbox: 1 },
    ]);
    await still.mill.stop();
    const later = new Turns();
    await world.start({ pipelines: [stepsOf(new Turns()), stepsOf(later, 'later')] });
    await later.count(2);
    assert.deepEqual(later.of('b'), [1, 2]);
  });

  test('a known id is a duplicate, whether it came from another row or through the door', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const { mill } = await world.start({ pipelines: [stepsOf(turns)] });
    await mill.ingest('steps', { key: 'a', n: 1 }, { id: 'one' });
    const writer = await world.writer();
    await writer.insert({ key: 'a', n: 1 }, { id: 'one' });
    await writer.insert({ key: 'a', n: 2 }, { id: 'two' });
    await writer.insert({ key: 'a', n: 2 }, { id: 'two' });
    await writer.insert({ key: 'a', n: 3 });
    await turns.count(3);
    assert.deepEqual(turns.of('a'), [1, 2, 3]);
    assert.equal(mill.counts().steps?.duplicates, 2);
  });

  test('rows wait while their pipeline is paused, and all arrive afterwards', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const other = new Turns();
    const { store, looks } = watching(world.store());
    const { mill } = await world.start({ store, pipelines: [stepsOf(turns), stepsOf(other, 'other')] });
    await mill.pause('steps');
    const writer = await world.writer();
    const seenByAll = looks(3);
    for (const n of upTo(5)) await writer.insert({ key: 'a', n });
    await writer.insert({ key: 'b', n: 1 }, { pipeline: 'other' });
    await other.count(1);
    await seenByAll;
    assert.equal(mill.counts().steps?.inbox, 5);
    assert.equal(mill.counts().steps?.received, 0);
    await mill.resume('steps');
    await turns.count(5);
    assert.deepEqual(turns.of('a'), upTo(5));
  });

  test('rows wait while the backlog is full, and each is taken when there is room', async (context) => {
    const world = await worldOf(context);
    const gate = Promise.withResolvers<void>();
    const turns = new Turns();
    const { store, looks } = watching(world.store());
    const { mill } = await world.start({
      store,
      pipelines: [stepsOf(turns, 'steps', { before: () => gate.promise })],
      limits: { backlog: 4 },
    });
    const writer = await world.writer();
    await writer.run('BEGIN');
    for (const n of upTo(30)) await writer.insert({ key: `k${n}`, n });
    await writer.run('COMMIT');
    while ((mill.counts().steps?.received ?? 0) < 4) await looks(1);
    await looks(3);
    assert.equal(mill.counts().steps?.received, 4);
    assert.equal(mill.counts().steps?.rejected, 0);
    gate.resolve();
    await turns.count(30);
    assert.deepEqual(
      turns.steps.map(({ n }) => n).toSorted((a, b) => a - b),
      upTo(30),
    );
  });

  test('a key without room keeps its rows in order and delays no other key', async (context) => {
    const world = await worldOf(context);
    const gate = Promise.withResolvers<void>();
    const turns = new Turns();
    const before = (n: number) => (n === 1 ? gate.promise : undefined);
    const { mill } = await world.start({ pipelines: [stepsOf(turns, 'steps', { before })], limits: { pendingPerKey: 3 } });
    const writer = await world.writer();
    for (const n of upTo(400)) await writer.insert({ key: 'full', n });
    await writer.insert({ key: 'other', n: 7 });
    await turns.count(1);
    assert.deepEqual(turns.steps, [{ key: 'other', n: 7 }]);
    gate.resolve();
    await turns.count(401);
    assert.deepEqual(turns.of('full'), upTo(400));
    assert.equal(mill.counts().steps?.rejected, 0);
  });

  test('numbers determine the order: the number that a key waits for is found behind others', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const { mill } = await world.start({ pipelines: [stepsOf(turns, 'steps', { numbered: true })], limits: { pendingPerKey: 10_000 } });
    const writer = await world.writer();
    for (const n of [3, 2, 5, 4, 2, 1]) await writer.insert({ key: 'a', n });
    await turns.count(5);
    assert.deepEqual(turns.of('a'), upTo(5));
    assert.equal(mill.counts().steps?.duplicates, 1);
  });

  test('a number skipped before its row arrived is a dead letter, with the row', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const { mill } = await world.start({ pipelines: [stepsOf(turns, 'steps', { numbered: true, skipAfter: 30 })] });
    const writer = await world.writer();
    await writer.insert({ key: 'a', n: 2 });
    await turns.has(2);
    await rowsOf(mill, 'a');
    await writer.insert('{ "key": "a", "n": 1 }');
    await writer.insert({ key: 'a', n: 3 });
    await turns.has(3);
    const isThere = async () => lettersOf('origin', await mill.deadLetters());
    await until(async () => (await isThere()).length > 0);
    const [letter, ...others] = await isThere();
    assert.equal(JSON.parse(letter?.origin ?? '').event, '{ "key": "a", "n": 1 }');
    assert.match(letter?.reason ?? '', /number 1 came after it was skipped/);
    assert.deepEqual(others, []);
    assert.deepEqual(await rowsOf(mill, 'a'), [2, 3]);
    assert.equal(mill.counts().steps?.deadLetters, 2);
  });

  test('a store failure before or after taking rows loses none and takes none twice', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    let nth = 0;
    const store = taking(world.store(), (take) => async (takings) => {
      nth += 1;
      const unavailable = new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test wants it');
      if (nth % 3 === 1) throw unavailable;
      const taken = await take(takings);
      if (nth % 3 === 2) throw unavailable;
      return taken;
    });
    const { mill } = await world.start({ store, pipelines: [stepsOf(turns)] });
    const writer = await world.writer();
    for (const n of upTo(5)) {
      await writer.insert({ key: 'a', n });
      await writer.insert({ key: 'a', n: 'bad' });
      await turns.has(n);
    }
    await writer.insert({ key: 'a', n: 6 });
    await turns.has(6);
    assert.deepEqual(await rowsOf(mill, 'a'), upTo(6));
    const letters = await mill.deadLetters();
    assert.equal(letters.length, 5);
    assert.equal(mill.counts().steps?.deadLetters, 5);
  });

  test('a dead letter that a claim counted before the taking was answered is counted once', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const base = world.store();
    const running = Promise.withResolvers<Mill>();
    const answered = Promise.withResolvers<void>();
    let isFirst = true;
    const claim: Store['claim'] = async (partition) => {
      const lease = await base.claim(partition);
      const takeInbox: TakeInbox = async (takings) => {
        const taken = (await lease.takeInbox?.(takings)) ?? [];
        if (!isFirst) return taken;
        isFirst = false;
        const mill = await running.promise;
        // From now on the current tenure's commits are refused, so another tenure follows.
        await base.claim(partition);
        for (const n of upTo(20)) await mill.ingest('steps', { key: `key ${n}`, n });
        await until(() => mill.counts().steps?.deadLetters === 1);
        answered.resolve();
        return taken;
      };
      return withMembers(lease, { takeInbox });
    };
    const { mill } = await world.start({ store: withMembers(base, { claim }), pipelines: [stepsOf(turns)] });
    running.resolve(mill);
    const writer = await world.writer();
    await writer.insert('no JSON');
    await answered.promise;
    await writer.insert({ key: 'a', n: 21 });
    await turns.has(21);
    assert.equal((await mill.deadLetters()).length, 1);
    assert.equal(mill.counts().steps?.deadLetters, 1);
  });

  test('a dead letter that may or may not have been stored is counted once', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const failed = Promise.withResolvers<void>();
    let nth = 0;
    const store = taking(world.store(), (take) => async (takings) => {
      nth += 1;
      const taken = await take(takings);
      if (nth > 1) return taken;
      failed.resolve();
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test wants it');
    });
    const { mill } = await world.start({ store, pipelines: [stepsOf(turns)] });
    const writer = await world.writer();
    await writer.insert('no JSON');
    await failed.promise;
    await writer.insert({ key: 'a', n: 1 });
    await turns.has(1);
    assert.equal((await mill.deadLetters()).length, 1);
    assert.equal(mill.counts().steps?.deadLetters, 1);
  });

  test('engines that are killed repeatedly take each row once, in the order of its key', async (context) => {
    const world = await worldOf(context);
    const { mill } = await world.start({ pipelines: [stepsOf(new Turns())] });
    await mill.stop();
    const writer = await world.writer();
    const total = 1_200;
    const isBad = (n: number) => n % 50 === 0;
    let isWritten = false;
    const write = async () => {
      for (const n of upTo(total)) {
        await writer.insert(isBad(n) ? 'no JSON' : { key: `k${n % 3}`, n });
        // A writer on SQLite never waits by itself.
        if (n % 10 === 0) await setImmediate();
      }
      isWritten = true;
    };
    let kills = 0;
    const killOften = async () => {
      while (!isWritten) {
        const child = fork(join(import.meta.dirname, 'inbox-engine.fixture.test.ts'), [world.address], {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        });
        const ended = once(child, 'exit');
        const first = await Promise.race([once(child, 'message'), ended]);
        // Near the end there are too few rows left for an engine to reach its count.
        if (!isWritten) assert.deepEqual(first, ['handled', undefined]);
        child.kill('SIGKILL');
        await ended;
        kills += 1;
      }
    };
    await Promise.all([write(), ...upTo(world.processes).map(killOften)]);
    assert.ok(kills > 0);
    const again = await world.start({ pipelines: [stepsOf(new Turns())] });
    const rows = () => again.mill.query(seen).selectAll().orderBy('key').orderBy('nth').execute();
    await until(async () => (await rows()).length >= total - total / 50);
    for (const at of [0, 1, 2]) {
      assert.deepEqual(
        await rowsOf(again.mill, `k${at}`),
        upTo(total).filter((n) => n % 3 === at && !isBad(n)),
      );
    }
    assert.equal((await again.mill.deadLetters()).length, total / 50);
  });

  test('a schema that times out loses no row and changes no order', async (context) => {
    const world = await worldOf(context);
    const handled = Promise.withResolvers<void>();
    const order: number[] = [];
    let asked = 0;
    const event = z.object({ n: z.int() }).refine(async () => {
      asked += 1;
      if (asked === 2) await new Promise(() => undefined);
      return true;
    });
    const slow = pipeline('steps', {
      event,
      key: () => 'a',
      handle({ n }) {
        order.push(n);
        if (order.length === 3) handled.resolve();
      },
    });
    const { mill, lines } = await world.start({ pipelines: [slow], limits: { validationMs: 50 } });
    const writer = await world.writer();
    await writer.run('BEGIN');
    for (const n of upTo(3)) await writer.insert({ n });
    await writer.run('COMMIT');
    await handled.promise;
    assert.deepEqual(order, upTo(3));
    assert.deepEqual(await mill.deadLetters(), []);
    assert.equal(mill.counts().steps?.validationTimeouts, 1);
    assert.ok(lines.some(({ message }) => /does not answer in time/.test(message)));
  });

  test('a stop waits for rows being taken, and leaves the rest', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const begun = Promise.withResolvers<void>();
    const store = taking(world.store(), (take) => async (takings) => {
      begun.resolve();
      return take(takings);
    });
    const mill = millrace({ store, pipelines: [stepsOf(turns)], log: recordingLogger().log });
    await mill.start();
    const writer = await world.writer();
    await writer.run('BEGIN');
    for (const n of upTo(1_000)) await writer.insert({ key: 'a', n });
    await writer.run('COMMIT');
    await begun.promise;
    await mill.stop();
    const rest = new Turns();
    const again = await world.start({ pipelines: [stepsOf(rest)] });
    await rest.count(1_000 - turns.steps.length);
    assert.deepEqual(await rowsOf(again.mill, 'a'), upTo(1_000));
  });
});
