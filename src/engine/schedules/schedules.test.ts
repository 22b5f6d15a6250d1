import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { ScheduleOptions } from '../../pipeline/schedule.ts';
import { table } from '../../pipeline/table.ts';
import { tableSource } from '../../sources/table-source.ts';
import { memory } from '../../store/memory/memory-store.ts';
import type { NewEvent, Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { testMill } from '../../testing/test-mill.ts';
import { failing, isCode, onEveryStore, withCalls } from '../promises/fixture.test.ts';

const startAt = Date.UTC(2026, 0, 1);
const Mail = z.object({ id: z.string() });
const mails = table('mails', { id: 'text', status: 'text', tries: 'integer?' }, { primaryKey: ['id'], defaults: { status: 'PENDING' } });

/** Sends the mails that wait in a table; `add` inserts one. */
function post(options: Partial<ScheduleOptions<z.input<typeof Mail>>> = {}, timeout = 60_000) {
  return pipeline('post', {
    event: Mail,
    key: ({ id }) => id,
    tables: { mails },
    deliver: {
      office: {
        to: { call: failing },
        timeout,
        retry: { by: 'pipeline', attempts: 3, backoff: 1, jitter: 0 },
        outcome(_state, turn, { status, attempts }) {
          const now = { delivered: 'SENT', failed: 'PENDING', 'given up': 'LOST', unknown: 'LOST', redriven: 'PENDING' }[status];
          turn.update(mails, { id: turn.key, status: now, tries: attempts });
        },
      },
    },
    schedule: {
      every: '1m',
      batch: 3,
      concurrency: 2,
      timeout: '10s',
      source: tableSource(mails, {
        rows: (query) => query.selectAll().where('status', '=', 'PENDING').orderBy('id'),
        event: ({ id }) => ({ id }),
      }),
      ...(options as object),
    },
    handle({ id }, _state, turn) {
      turn.deliver('office', { id }, { id });
    },
  });
}

const writer = pipeline('writer', {
  event: z.object({ id: z.string(), status: z.string().default('PENDING') }),
  tables: { mails },
  handle: ({ id, status }, _state, turn) => turn.put(mails, { id, status }),
});

async function add(t: TestMill, ...ids: string[]): Promise<void> {
  for (const id of ids) await t.ingest('writer', { id });
  await t.drain();
}

const sent = (t: TestMill) => t.calls.map(({ id }) => id);
const statuses = async (t: TestMill) =>
  (await t.rows(mails))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, status }) => `${id} ${status}`)
    .join(', ');

/** Answers that the test gives one by one. */
function heldAnswers() {
  const waiting: ((answer: Answer) => void)[] = [];
  const answer = (_call: OutgoingCall) => new Promise<Answer>((give) => waiting.push(give));
  return { waiting, answer };
}

onEveryStore('a schedule', ({ testMill, makeStore }) => {
  test('takes a batch every interval, oldest first, the first one an interval after the start', async () => {
    const t = await testMill({ pipelines: [post(), writer] });
    await add(t, 'a', 'b', 'c', 'd', 'e');
    await t.advance(59_999);
    assert.deepEqual(sent(t), []);
    await t.advance(1);
    assert.deepEqual(sent(t), ['a', 'b', 'c']);
    assert.equal(await statuses(t), 'a SENT, b SENT, c SENT, d PENDING, e PENDING');
    await add(t, 'aa');
    await t.advance('1m');
    assert.deepEqual(sent(t).slice(3), ['aa', 'd', 'e']);
    assert.deepEqual(await t.mill.schedule('post').status(), {
      status: 'running',
      isAtWork: false,
      lastRunAt: startAt + 120_000,
      nextRunAt: startAt + 180_000,
      lastFailure: null,
    });
    await t.stop();
  });

  test('admits no more events at once than its concurrency, and ends with the last of them', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [post(), writer], answer });
    await add(t, 'a', 'b', 'c');
    await t.advance('1m');
    assert.equal(waiting.length, 2);
    assert.equal((await t.mill.schedule('post').status()).isAtWork, true);
    waiting[1]?.({ result: 'delivered' });
    await until(() => waiting.length === 3);
    waiting[0]?.({ result: 'delivered' });
    waiting[2]?.({ result: 'delivered' });
    await t.drain();
    assert.equal((await t.mill.schedule('post').status()).isAtWork, false);
    assert.equal(await statuses(t), 'a SENT, b SENT, c SENT');
    await t.stop();
  });

  test('never overlaps itself: runs that come due during another one are skipped, and the beat is kept', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [post({ timeout: '10m' }, 600_000), writer], answer });
    await add(t, 'a', 'b');
    await t.advance('1m');
    await t.advance('150s');
    assert.deepEqual(sent(t), ['a', 'b']);
    await t.ingest('writer', { id: 'c' });
    for (const give of waiting) give({ result: 'delivered' });
    await t.drain();
    await t.advance('29s');
    assert.deepEqual(sent(t), ['a', 'b']);
    await t.advance('1s');
    assert.deepEqual(sent(t), ['a', 'b', 'c']);
    waiting[2]?.({ result: 'delivered' });
    await t.stop();
  });

  test('ends a run on time: events under way have failed, and others are left untouched', async () => {
    const { answer } = heldAnswers();
    const t = await testMill({ pipelines: [post(), writer], answer });
    await add(t, 'a', 'b', 'c');
    await t.advance('69999ms');
    assert.equal((await t.mill.schedule('post').status()).isAtWork, true);
    await t.advance(1);
    assert.equal((await t.mill.schedule('post').status()).isAtWork, false);
    assert.deepEqual(sent(t), ['a', 'b']);
    const tries = (await t.rows(mails)).map(({ id, tries }) => [id, tries]);
    assert.deepEqual(tries.toSorted(), [
      ['a', 1],
      ['b', 1],
      ['c', null],
    ]);
    assert.equal(await statuses(t), 'a PENDING, b PENDING, c PENDING');
    await t.stop();
  });

  test('releases a delivery that could not begin, and counts no attempt', async () => {
    let isDown = true;
    const answer = (): Answer =>
      isDown ? { result: 'postponed', reason: 'circuit open', retryAfterMs: 3_600_000 } : { result: 'delivered' };
    const t = await testMill({ pipelines: [post(), writer], answer });
    await add(t, 'a', 'b', 'c');
    await t.advance('5m');
    assert.ok(t.calls.length <= 2);
    isDown = false;
    await t.advance('1h');
    assert.equal(await statuses(t), 'a SENT, b SENT, c SENT');
    assert.ok((await t.rows(mails)).every(({ tries }) => tries === 1));
    await t.stop();
  });

  test('skips a row that no longer waits when its turn comes', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [post({ concurrency: 1 }), writer], answer });
    await add(t, 'a', 'b', 'c');
    await t.advance('1m');
    await t.ingest('writer', { id: 'b', status: 'DELETED' });
    await until(async () => (await statuses(t)).includes('b DELETED'));
    waiting[0]?.({ result: 'delivered' });
    await until(() => waiting.length === 2);
    waiting[1]?.({ result: 'delivered' });
    await t.drain();
    assert.equal(await statuses(t), 'a SENT, b DELETED, c SENT');
    await t.stop();
  });

  test('a failed delivery waits for a later run, and is given up after its last attempt', async () => {
    const t = await testMill({ pipelines: [post(), writer], answer: () => ({ result: 'failed', reason: 'not today' }) });
    await add(t, 'a');
    for (const attempts of [1, 2]) {
      await t.advance('1m');
      assert.equal(t.calls.length, attempts);
      assert.equal(await statuses(t), 'a PENDING');
    }
    await t.advance('5m');
    assert.equal(t.calls.length, 3);
    assert.equal(await statuses(t), 'a LOST');
    const [letter] = await t.deadLetters('post');
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    assert.equal(await statuses(t), 'a PENDING');
    assert.equal(t.calls.length, 3, 'the next attempt is the next run’s');
    await t.advance('1m');
    assert.equal(t.calls.length, 4);
    await t.stop();
  });

  test('a stop is answered after the run under way, nothing happens afterwards, and it survives a restart', async () => {
    const { waiting, answer } = heldAnswers();
    const store = makeStore();
    const t = await testMill({ pipelines: [post(), writer], answer, store });
    await add(t, 'a', 'b', 'c');
    await t.advance('1m');
    let isStopped = false;
    const stopping = t.mill
      .schedule('post')
      .stop()
      .then(() => {
        isStopped = true;
      });
    await t.advance('1s');
    assert.equal(isStopped, false);
    waiting[0]?.({ result: 'delivered' });
    await until(() => waiting.length === 3);
    waiting[1]?.({ result: 'delivered' });
    waiting[2]?.({ result: 'delivered' });
    await stopping;
    assert.equal(await statuses(t), 'a SENT, b SENT, c SENT');
    assert.deepEqual(await t.mill.schedule('post').status(), {
      status: 'stopped',
      isAtWork: false,
      lastRunAt: startAt + 60_000,
      nextRunAt: null,
      lastFailure: null,
    });
    await add(t, 'd');
    await t.advance('1h');
    await t.crash();
    await t.advance('1h');
    assert.equal(t.calls.length, 3);
    await t.mill.schedule('post').start();
    await t.advance('1m');
    assert.equal(t.calls.length, 4);
    waiting[3]?.({ result: 'delivered' });
    await t.stop();
  });

  test('fifty simultaneous starts and stops are all carried out, and the last one wins', async () => {
    const t = await testMill({ pipelines: [post(), writer] });
    const schedule = t.mill.schedule('post');
    for (const last of ['stop', 'start'] as const) {
      const calls = Array.from({ length: 50 }, (_, at) => schedule[at % 2 === 0 ? 'start' : 'stop']());
      await Promise.all([...calls, schedule[last]()]);
      assert.equal((await schedule.status()).status, last === 'stop' ? 'stopped' : 'running');
    }
    await t.stop();
  });

  test('a run waits for an event that the store may or may not have', async () => {
    const { waiting, answer } = heldAnswers();
    const base = makeStore();
    let doubts = 0;
    const append = async (events: readonly NewEvent[]) => {
      const appended = await base.append(events);
      if (events[0]?.partition.pipeline !== 'post' || doubts > 0) return appended;
      doubts += 1;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the answer was lost');
    };
    const t = await testMill({ pipelines: [post({ timeout: '10m' }, 600_000), writer], answer, store: withCalls(base, { append }) });
    await add(t, 'a');
    await t.advance('2m');
    assert.deepEqual(sent(t), ['a']);
    const { isAtWork, lastRunAt } = await t.mill.schedule('post').status();
    assert.deepEqual({ isAtWork, lastRunAt }, { isAtWork: true, lastRunAt: null }, 'the first run is still under way');
    waiting[0]?.({ result: 'delivered' });
    await t.drain();
    assert.equal(await statuses(t), 'a SENT');
    await t.stop();
  });

  test('a pause ends by itself, even after a restart', async () => {
    const t = await testMill({ pipelines: [post(), writer] });
    await add(t, 'a');
    await t.mill.schedule('post').pause({ for: '10m' });
    await t.drain();
    assert.deepEqual(await t.mill.schedule('post').status(), {
      ...{ status: 'paused', isAtWork: false, lastRunAt: null, nextRunAt: startAt + 600_000, lastFailure: null },
    });
    await t.advance('5m');
    await t.crash();
    await t.advance('299999ms');
    assert.deepEqual(sent(t), []);
    await t.advance(1);
    assert.deepEqual(sent(t), ['a']);
    assert.equal((await t.mill.schedule('post').status()).status, 'running');
    await t.stop();
  });

  test('a run interrupted by a store failure has ended before the next begins', async () => {
    const base = makeStore();
    let isFailing = false;
    const append: Store['append'] = async (events) => {
      if (!isFailing) return base.append(events);
      isFailing = false;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'not now');
    };
    const gates: (() => void)[] = [];
    let runs = 0;
    const source = () => {
      runs += 1;
      return [{ id: `of run ${runs}` }];
    };
    const slow = pipeline('slow', {
      event: Mail,
      key: ({ id }) => id,
      schedule: { every: '1m', source },
      handle: () => new Promise<void>((done) => gates.push(done)),
    });
    const t = await testMill({ pipelines: [slow], store: withCalls(base, { append }) });
    await t.advance('1m');
    await until(() => gates.length === 1);
    gates[0]?.();
    await t.drain();
    await t.advance('1m');
    await until(() => gates.length === 2);
    isFailing = true;
    await assert.rejects(t.mill.schedule('slow').pause(), isCode('MILL_STORE_UNAVAILABLE'));
    await t.advance(0);
    assert.equal(runs, 2);
    gates[1]?.();
    await until(() => gates.length === 3);
    assert.equal(runs, 3);
    gates[2]?.();
    await t.drain();
    await t.stop();
  });

  test('a crash during a run loses no row, and repeats only what was under way, under its id', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [post(), writer], answer });
    await add(t, 'a', 'b', 'c', 'd');
    await t.advance('1m');
    waiting[0]?.({ result: 'delivered' });
    await until(() => waiting.length === 3);
    await t.crash();
    for (let given = 3; (await statuses(t)) !== 'a SENT, b SENT, c SENT, d SENT'; ) {
      await t.advance('1s');
      for (; given < waiting.length; given += 1) waiting[given]?.({ result: 'delivered' });
    }
    assert.deepEqual(sent(t).toSorted(), ['a', 'b', 'b', 'c', 'c', 'd']);
    await t.stop();
  });
});

test('a run whose source fails, hangs, or returns refused events harms no later one', async () => {
  const never = new Promise<never>(() => {});
  const answers = [failing, () => never, () => [{ id: 7 }, { id: 'a' }], () => [{ id: 'b' }]] as const;
  let runs = 0;
  const source = async () => {
    runs += 1;
    return answers[runs - 1]?.() ?? [];
  };
  const t = await testMill({ pipelines: [post({ source: source as never }), writer] });
  await t.advance('1m');
  assert.equal((await t.mill.schedule('post').status()).lastFailure, 'not today');
  await t.advance('5m');
  assert.equal(runs, 6);
  assert.deepEqual(sent(t), ['a', 'b']);
  assert.equal((await t.mill.schedule('post').status()).lastFailure, null);
  await t.stop();
});

test('a run takes no more than its batch, whatever its source offers', async () => {
  const source = () => Array.from({ length: 10 }, (_, nth) => ({ id: `mail ${nth}` }));
  const t = await testMill({ pipelines: [post({ source }), writer] });
  await t.advance('1m');
  assert.deepEqual(sent(t), ['mail 0', 'mail 1', 'mail 2']);
  await t.stop();
});

test('a run waits for no delivery requested by another event', async () => {
  const busy = pipeline('busy', {
    event: z.object({ id: z.string(), deliveries: z.int().default(0) }),
    key: ({ id }) => id,
    deliver: { slow: { to: { call: failing }, rateLimit: { calls: 1, per: '1h' } } },
    schedule: { every: '1m', source: ({ dueAt }) => [{ id: String(dueAt) }] },
    handle({ deliveries }, _state, turn) {
      for (let nth = 1; nth <= deliveries; nth += 1) turn.deliver('slow', { nth });
    },
  });
  const t = await testMill({ pipelines: [busy] });
  await t.ingest('busy', { id: 'a', deliveries: 1_000 });
  await t.advance('3m');
  const { lastRunAt, isAtWork } = await t.mill.schedule('busy').status();
  assert.deepEqual([lastRunAt, isAtWork], [startAt + 180_000, false]);
  await t.stop();
});

/** A pipeline whose handler fails for `bad`, with a source that always takes both. */
function fragile(options: { readonly attempts: number; readonly onGiveUp: 'park' | 'skip' }) {
  return pipeline('fragile', {
    event: Mail,
    key: ({ id }) => id,
    retry: { attempts: options.attempts, backoff: '10m', jitter: 0 },
    onGiveUp: options.onGiveUp,
    timeout: '20s',
    schedule: { every: '1m', timeout: '10s', concurrency: 1, source: () => [{ id: 'bad' }, { id: 'good' }] },
    state: z.object({ handled: z.int() }),
    handle({ id }, state) {
      if (id === 'bad') failing();
      return { handled: (state?.handled ?? 0) + 1 };
    },
  });
}

test('a key that waits for a retry does not prolong a run', async () => {
  const t = await testMill({ pipelines: [fragile({ attempts: 100, onGiveUp: 'park' })] });
  await t.advance('5m');
  assert.deepEqual(await t.state('fragile', 'good'), { handled: 5 });
  assert.equal((await t.mill.schedule('fragile').status()).lastRunAt, startAt + 300_000);
  await t.stop();
});

test('a full key does not hold up the other events of its runs', async () => {
  const t = await testMill({ pipelines: [fragile({ attempts: 1, onGiveUp: 'park' })], limits: { pendingPerKey: 2 } });
  await t.advance('6m');
  assert.deepEqual(await t.state('fragile', 'good'), { handled: 6 });
  await t.stop();
});

test('a pause leaves the hours of a cron schedule unchanged', async () => {
  let runs = 0;
  const source = () => {
    runs += 1;
    return [];
  };
  const nightly = pipeline('nightly', {
    event: Mail,
    schedule: { cron: '0 3 * * *', timezone: 'UTC', source },
    handle: () => undefined,
  });
  const t = await testMill({ pipelines: [nightly], startAt: Date.UTC(2026, 0, 1, 12) });
  await t.mill.schedule('nightly').pause({ for: '10m' });
  await t.advance('14h');
  assert.equal(runs, 0);
  await t.advance('1h');
  assert.equal(runs, 1);
  await t.stop();
});

test('a run that aborts an endless handler ends, and the next one is on time', async () => {
  const never = new Promise<void>(() => {});
  const endless = pipeline('endless', {
    event: Mail,
    key: ({ id }) => id,
    retry: { attempts: 100, backoff: 1, jitter: 0 },
    timeout: '1h',
    schedule: { every: '1m', timeout: '10s', source: () => [{ id: 'a' }] },
    handle: () => never,
  });
  const t = await testMill({ pipelines: [endless] });
  await t.advance('210s');
  assert.equal((await t.mill.schedule('endless').status()).lastRunAt, startAt + 180_000);
  await t.stop();
});

test('a cron schedule comes due in its time zone', async () => {
  const ticks = pipeline('ticks', {
    event: z.object({ at: z.int() }),
    key: () => 'one',
    state: z.object({ at: z.array(z.string()) }),
    schedule: { cron: '30 3 * * *', timezone: 'Europe/Berlin', source: ({ dueAt }) => [{ at: dueAt }] },
    handle: ({ at }, state) => ({ at: [...(state?.at ?? []), new Date(at).toISOString()] }),
  });
  const t = await testMill({ pipelines: [ticks], startAt: Date.UTC(2026, 2, 27, 12) });
  await t.advance('72h');
  // Summer time began on the 29th.
  const expected = ['2026-03-28T02:30:00.000Z', '2026-03-29T01:30:00.000Z', '2026-03-30T01:30:00.000Z'];
  assert.deepEqual(await t.state('ticks', 'one'), { at: expected });
  await t.stop();
});

test('a shortened interval applies from the next start on', async () => {
  const store = memory();
  const before = await testMill({ pipelines: [post({ every: '24h' } as never), writer], store });
  await add(before, 'a');
  await before.stop();
  const t = await testMill({ pipelines: [post({ every: '1s' } as never), writer], store });
  await t.advance('1s');
  assert.deepEqual(sent(t), ['a']);
  await t.stop();
});

test('an engine without schedules has no pipeline for them, and a user’s pipeline of that name is refused', async () => {
  const t = await testMill({ pipelines: [writer] });
  assert.throws(() => t.mill.schedule('writer'), isCode('MILL_NOT_FOUND'));
  // @ts-expect-error no such pipeline
  assert.throws(() => t.mill.schedule('nothing'), isCode('MILL_NOT_FOUND'));
  assert.deepEqual(Object.keys(t.mill.counts()), ['writer']);
  await t.stop();
  const named = pipeline('millrace_mine', { event: Mail, handle: () => undefined });
  await assert.rejects(testMill({ pipelines: [named] }), isCode('MILL_INVALID_DECLARATION'));
});

test('a wrong declaration of a schedule is refused with what was expected', () => {
  const declared = (schedule: object) => () => pipeline('wrong', { event: Mail, schedule: schedule as never, handle: () => undefined });
  const source = () => [];
  assert.throws(declared({ source }), { message: /expected either every or cron, found neither/ });
  assert.throws(declared({ source, every: '1m', cron: '* * * * *' }), { message: /found both/ });
  assert.throws(declared({ source, every: 0 }), {
    message: /schedule.every: expected a duration of whole milliseconds, at least 1, found 0/,
  });
  assert.throws(declared({ source, cron: 'every noon' }), { message: /schedule.cron: expected a cron pattern/ });
  assert.throws(declared({ source, cron: '0 3 * * *', timezone: 'Mars/Olympus' }), { message: /schedule.cron/ });
  assert.throws(declared({ every: '1m' }), { message: /schedule.source: expected a function, found nothing/ });
  assert.throws(declared({ source, every: '1m', batch: 0 }), { message: /schedule.batch/ });
});
