import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import type { Commit, Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { sliceOf } from '../identify.ts';
import { type CommitCall, failing, isCode, onEveryStore, upTo, withCalls } from './fixture.test.ts';
import { delivered, idsOf } from './shop.fixture.test.ts';

const kilo = 1_024;
/** The store reads one KiB at once, a commit has 8 KiB, and states take up 128 KiB. */
const memoryBytes = 256 * kilo;

const Note = z.object({ key: z.string(), n: z.int(), text: z.string() });
const notes = table('notes', { key: 'text', n: 'integer', text: 'text' }, { primaryKey: ['key', 'n'] });

interface Behaviour {
  readonly attempt?: (note: z.infer<typeof Note>) => Promise<void> | undefined;
  readonly numbered?: boolean;
  readonly concurrency?: number;
}

/** Each key remembers its last note, and the numbers of all its notes. */
function notebook({ attempt, numbered = false, concurrency = 100 }: Behaviour = {}) {
  return pipeline('notebook', {
    event: Note,
    key: ({ key }) => key,
    ...(numbered && { order: { by: ({ n }: { n: number }) => n, maxPending: 1_000 } }),
    state: z.object({ text: z.string(), seen: z.array(z.int()) }),
    tables: { notes },
    concurrency,
    handle(note, state, turn) {
      const decide = () => {
        turn.add(notes, note);
        return { text: note.text, seen: [...(state?.seen ?? []), note.n] };
      };
      return attempt?.(note)?.then(decide) ?? decide();
    },
  });
}

/** Each note sets a timer that brings its text. */
function reminders(heard: string[]) {
  return pipeline('reminders', {
    event: Note,
    key: ({ key }) => key,
    timers: {
      remind(_state, turn, data) {
        assert.ok(JSON.stringify(data).length > kilo);
        heard.push(turn.key);
      },
    },
    handle({ text }, _state, turn) {
      turn.timers.set('remind', { after: 1_000, data: { text } });
    },
  });
}

/** Delivers each note to the address that its key names, under the id `<key> <n>`. */
function letters({ concurrency = 10 } = {}) {
  return pipeline('letters', {
    event: Note,
    key: ({ key }) => key,
    deliver: { post: { to: { call: failing, address: ({ url }) => url }, concurrency, timeout: 30_000 } },
    handle({ key, n, text }, _state, turn) {
      turn.deliver('post', { text }, { id: `${key} ${n}`, url: key });
    },
  });
}

const note = (key: string, n: number, size: number) => ({ key, n, text: 'x'.repeat(size) });

/** The notes that a key has seen, in that order. */
async function seenBy(t: TestMill, key: string): Promise<unknown> {
  const state = await t.state('notebook', key);
  return typeof state === 'object' && state !== null && 'seen' in state ? state.seen : undefined;
}

/** Sizes of the texts in a store's answer, in UTF-16 units. */
const sizeOf = (items: readonly { readonly body?: string; readonly state?: { readonly json: string } | null }[]) =>
  items.map(({ body, state }) => (body?.length ?? 0) + (state?.json.length ?? 0));

/** A store that records the size of each list, how many deliveries are read at once, and everything committed. */
function observed(base: Store) {
  const lists: (readonly number[])[] = [];
  const commits: Commit[] = [];
  const due: number[] = [];
  let loads = 0;
  const store = withCalls(base, {
    async read(...asked) {
      const events = await base.read(...asked);
      lists.push(sizeOf(events));
      return events;
    },
    async held(...asked) {
      const events = await base.held(...asked);
      lists.push(sizeOf(events));
      return events;
    },
    async load(...asked) {
      const records = await base.load(...asked);
      lists.push(sizeOf(records));
      loads += records.filter(({ state }) => state !== null).length;
      return records;
    },
    async dueCauses(...asked) {
      const timers = await base.dueCauses(...asked);
      lists.push(timers.map(({ data }) => data?.length ?? 0));
      return timers;
    },
    async dueDeliveries(...asked) {
      const deliveries = await base.dueDeliveries(...asked);
      due.push(deliveries.length);
      return deliveries;
    },
    async dueByFlow(...asked) {
      const found = await base.dueByFlow(...asked);
      due.push(found.deliveries.length);
      return found;
    },
    async commit(commit, lease) {
      commits.push(commit);
      return lease.commit(commit);
    },
  });
  return { store, lists, commits, due, statesLoaded: () => loads };
}

/** Asserts that every list ends once it has one KiB. */
function assertShort(lists: readonly (readonly number[])[]): void {
  for (const sizes of lists) {
    const before = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
    assert.ok(before < kilo, `a list of ${sizes.join(', ')}`);
  }
}

onEveryStore('promise 7: memory is bounded', ({ testMill, makeStore }) => {
  test('states beyond the memory limit are forgotten and reloaded, and nothing is lost', async () => {
    const { store, lists, statesLoaded } = observed(makeStore());
    const t = await testMill({ pipelines: [notebook()], store, limits: { memoryBytes } });
    const keys = upTo(40).map((n) => `key ${n}`);
    for (const n of [1, 2, 3]) {
      for (const key of keys) await t.ingest('notebook', note(key, n, 4 * kilo));
      await t.drain();
    }
    // Of forty states of at least 8 KiB, at most sixteen fit.
    assert.ok(statesLoaded() > 2 * (keys.length - 16), `${statesLoaded()} states were read`);
    assertShort(lists);
    for (const key of keys) assert.deepEqual(await seenBy(t, key), [1, 2, 3]);
    await t.stop();
  });

  test('small states stay in memory', async () => {
    const { store, statesLoaded } = observed(makeStore());
    const t = await testMill({ pipelines: [notebook()], store, limits: { memoryBytes } });
    for (const n of [1, 2]) {
      for (const key of upTo(40)) await t.ingest('notebook', note(`key ${key}`, n, 10));
      await t.drain();
    }
    assert.equal(statesLoaded(), 0);
    await t.stop();
  });

  test('after a start a backlog of large events is read a few at a time, and commits hold few of them', async () => {
    const { store, lists, commits } = observed(makeStore());
    let isStuck = true;
    const attempt = () => (isStuck ? new Promise<void>(() => {}) : undefined);
    const t = await testMill({ pipelines: [notebook({ attempt })], store, limits: { memoryBytes } });
    for (const n of upTo(30)) await t.ingest('notebook', note(`key ${n % 7}`, n, 2 * kilo));
    isStuck = false;
    await t.crash();
    await t.drain();
    assertShort(lists);
    for (const { rows, keys } of commits) {
      const texts = [...rows.flatMap((write) => write.rows).flat(), ...keys.map(({ state }) => state?.json)];
      const bytes = 2 * texts.reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 0), 0);
      // One turn may go beyond it.
      assert.ok(bytes < 8 * kilo + 10 * kilo, `a commit of ${bytes} bytes`);
    }
    assert.equal(t.mill.counts().notebook?.processed, 30);
    assert.deepEqual(await seenBy(t, 'key 3'), [3, 10, 17, 24]);
    await t.stop();
  });

  test('events behind a slow turn are held in the store once memory is used up, and keep their order', async () => {
    const { store, commits, lists } = observed(makeStore());
    const gates = new Map(['a', 'b'].map((key) => [key, Promise.withResolvers<void>()]));
    const isFirst = new Set(gates.keys());
    const attempt = ({ key }: { key: string }) => (isFirst.delete(key) ? gates.get(key)?.promise : undefined);
    const t = await testMill({ pipelines: [notebook({ attempt })], store, limits: { memoryBytes } });
    for (const n of upTo(30)) for (const key of gates.keys()) await t.ingest('notebook', note(key, n, kilo));
    await until(() => commits.flatMap(({ holds }) => holds).length >= 30);
    for (const gate of gates.values()) gate.resolve();
    await t.drain();
    assertShort(lists);
    for (const key of gates.keys()) assert.deepEqual(await seenBy(t, key), upTo(30));
    await t.stop();
  });

  test('asynchronous turns start only while there is memory for their events', async () => {
    let [running, most] = [0, 0];
    let gate = Promise.withResolvers<void>();
    const attempt = async () => {
      running += 1;
      most = Math.max(most, running);
      await gate.promise;
      running -= 1;
    };
    const t = await testMill({ pipelines: [notebook({ attempt })], limits: { memoryBytes } });
    // The memory used by the first turns is free again for the next ones.
    for (const wave of [1, 2]) {
      for (const n of upTo(20)) await t.ingest('notebook', note(`key ${n}`, wave, 2 * kilo));
      await until(() => running >= 2);
      gate.resolve();
      await t.drain();
      gate = Promise.withResolvers();
    }
    // 32 KiB has room for two events of 16 KiB, and one turn may exceed it.
    assert.ok(most < 20 / 2, `${most} at once`);
    assert.equal(t.mill.counts().notebook?.processed, 40);
    await t.stop();
  });

  test('early numbers beyond the memory limit wait in the store, and are applied in order', async () => {
    const { store, lists } = observed(makeStore());
    const t = await testMill({ pipelines: [notebook({ numbered: true })], store, limits: { memoryBytes } });
    for (const key of upTo(5)) for (const n of upTo(20).reverse()) if (n > 1) await t.ingest('notebook', note(`key ${key}`, n, kilo));
    await t.drain();
    for (const key of upTo(5)) await t.ingest('notebook', note(`key ${key}`, 1, kilo));
    await t.drain();
    assertShort(lists);
    for (const key of upTo(5)) assert.deepEqual(await seenBy(t, `key ${key}`), upTo(20));
    await t.stop();
  });

  test('events on their way to the log use memory: more are refused until they have arrived', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    const append: Store['append'] = async (events) => {
      await gate.promise;
      return base.append(events);
    };
    const t = await testMill({ pipelines: [notebook()], store: withCalls(base, { append }), limits: { memoryBytes } });
    const taken = upTo(16).map((n) => t.ingest('notebook', note('a', n, 2 * kilo)));
    const refused = (await Promise.all(taken.map((one) => Promise.race([one.catch((error) => error.code), setImmediate()])))).filter(
      Boolean,
    );
    assert.ok(refused.length >= 8 && refused.every((code) => code === 'MILL_MEMORY_FULL'), `${refused.length} refused`);
    await assert.rejects(t.ingest('notebook', note('b', 1, 1)), isCode('MILL_MEMORY_FULL'));
    gate.resolve();
    const accepted = (await Promise.allSettled(taken)).filter(({ status }) => status === 'fulfilled').length;
    await t.drain();
    assert.equal(t.mill.counts().notebook?.processed, accepted);
    // Refused events take up no memory.
    for (const n of upTo(10)) await t.ingest('notebook', note('b', n, 2 * kilo));
    await t.stop();
  });

  test('events in an asynchronous schema use memory: more are refused until it has answered, or can no longer answer', async () => {
    let gate = Promise.withResolvers<void>();
    const checked = pipeline('checked', {
      event: {
        '~standard': {
          version: 1,
          vendor: 'test',
          async validate(value: unknown) {
            const { key } = Note.parse(value);
            if (key === 'never') await new Promise(() => undefined);
            if (key === 'late') await gate.promise;
            return { value: { key } };
          },
        },
      },
      key: ({ key }) => key,
      handle: () => undefined,
    });
    const t = await testMill({ pipelines: [checked, notebook()], limits: { memoryBytes, validationMs: 1_000 } });
    const codeOf = (taken: Promise<unknown>) =>
      taken.then(
        () => 'in',
        (error) => error.code as string,
      );
    const probe = (key: string) => codeOf(t.ingest('checked', note(key, 0, 1)));
    const bring = (key: string) => upTo(16).map((n) => codeOf(t.ingest('checked', note(key, n, 4 * kilo))));
    for (const end of ['in time', 'late'] as const) {
      const codes = bring('late');
      assert.equal(await codeOf(t.ingest('notebook', note('b', 1, 1))), 'MILL_MEMORY_FULL', 'memory is that of all pipelines');
      if (end === 'late') await t.advance('1s');
      assert.equal(await probe('other'), 'MILL_MEMORY_FULL', 'what a schema still works at is still there');
      gate.resolve();
      const ended = new Set(await Promise.all(codes));
      assert.deepEqual(ended, new Set([end === 'late' ? 'MILL_VALIDATION_TIMEOUT' : 'in', 'MILL_MEMORY_FULL']));
      await t.drain();
      assert.equal(await probe('other'), 'in');
      gate = Promise.withResolvers();
    }
    // The whole batch stays in memory while its events are checked one by one.
    const batch = t.ingestBatch('checked', [note('late', 1, 1), ...upTo(16).map((n) => note('other', n, 4 * kilo))]);
    assert.equal(await probe('other'), 'MILL_MEMORY_FULL');
    gate.resolve();
    assert.ok((await batch).every(({ status }) => status === 'accepted'));
    await t.drain();
    assert.equal(await probe('other'), 'in');
    await t.stop();
  });

  test('a pipeline with idle keys gives up memory to one with busy keys', async () => {
    const other = pipeline('other', {
      event: Note,
      key: ({ key }) => key,
      state: z.string(),
      handle: ({ text }) => text,
    });
    const { store, statesLoaded } = observed(makeStore());
    const t = await testMill({ pipelines: [notebook(), other], store, limits: { memoryBytes } });
    for (const n of upTo(30)) await t.ingest('other', note(`key ${n}`, n, 4 * kilo));
    await t.drain();
    let before = 0;
    for (const n of upTo(7)) {
      if (n === 3) before = statesLoaded();
      for (const key of upTo(5)) await t.ingest('notebook', note(`key ${key}`, n, kilo));
      await t.drain();
    }
    assert.equal(statesLoaded(), before, 'states of the keys at work stay in memory');
    await t.stop();
  });

  test('the status of many keys with large states is read a few at a time', async () => {
    const { store, lists } = observed(makeStore());
    const t = await testMill({ pipelines: [notebook()], store });
    const keys = upTo(5).map((n) => `key ${n}`);
    for (const key of keys) await t.ingest('notebook', note(key, 1, 600 * kilo));
    await t.drain();
    lists.length = 0;
    assert.equal((await t.mill.keys('notebook', keys)).length, 5);
    assert.ok(
      lists.every((sizes) => sizes.length <= 2),
      JSON.stringify(lists),
    );
    await t.stop();
  });

  test('large payloads wait in the store: few are in memory, and all are delivered', async () => {
    const { store, due } = observed(makeStore());
    const gate = Promise.withResolvers<Answer>();
    const t = await testMill({
      pipelines: [letters({ concurrency: 2 })],
      store,
      limits: { memoryBytes },
      answer: () => gate.promise,
    });
    for (const n of upTo(40)) await t.ingest('letters', note(`key ${n % 5}`, n, 2 * kilo));
    await until(() => t.mill.counts().letters?.deliveries === 40);
    const called = t.calls.length;
    await t.crash();
    await until(() => t.calls.length >= called + 2);
    // In each partition two are called, and at most one more waits when others are read.
    assert.ok(
      due.every((count) => count <= 5),
      `${due.join(', ')} at once`,
    );
    gate.resolve(delivered);
    await t.drain();
    assert.equal(new Set(idsOf(t.calls)).size, 40);
    await t.stop();
  });

  test('few large payloads of finished calls are in memory, however long their commit takes, and all are delivered', async () => {
    const base = makeStore();
    const recorded = Promise.withResolvers<void>();
    const commit: CommitCall = async (work, lease) => {
      if (work.deliveries.some(({ write }) => write === 'remove')) await recorded.promise;
      return lease.commit(work);
    };
    let isOpen = false;
    const t = await testMill({
      pipelines: [letters({ concurrency: 2 })],
      store: withCalls(base, { commit }),
      limits: { memoryBytes },
      answer: () => (isOpen ? delivered : new Promise<never>(() => {})),
    });
    for (const n of upTo(40)) await t.ingest('letters', note(`key ${n % 5}`, n, 2 * kilo));
    await until(() => t.mill.counts().letters?.deliveries === 40);
    t.calls.length = 0;
    isOpen = true;
    await t.crash();
    await until(() => t.calls.length > 0);
    // Enough reads to find all of them.
    for (const _read of upTo(50)) {
      await base.dueDeliveries({ pipeline: 'letters', slice: 0 }, 'post', t.clock.now(), 40);
      await setImmediate();
    }
    const called = Map.groupBy(t.calls, ({ key }) => sliceOf(key, base.partitions));
    // Two use up the room. One more may be under way, and one may wait.
    for (const [slice, calls] of called) assert.ok(calls.length <= 4, `${calls.length} calls of slice ${slice}`);
    recorded.resolve();
    await t.drain();
    assert.equal(new Set(idsOf(t.calls)).size, 40);
    await t.stop();
  });

  test('large payloads for an unresponsive receiver hide nobody else’s', async () => {
    const { store, due } = observed(makeStore());
    const answer = ({ url }: OutgoingCall) => (url === 'dead' ? new Promise<never>(() => {}) : delivered);
    const t = await testMill({ pipelines: [letters()], store, limits: { memoryBytes }, answer });
    for (const n of upTo(60)) await t.ingest('letters', note('dead', n, 2 * kilo));
    for (const n of upTo(5)) for (const key of ['a', 'b', 'z']) await t.ingest('letters', note(key, n, 2 * kilo));
    await until(() => idsOf(t.calls).filter((id) => !id.startsWith('dead')).length === 15);
    // Ten may be under way, three be over until a commit records them, and two wait; one more may be read along with them.
    assert.ok(
      due.every((count) => count <= 16),
      `${due.join(', ')} at once`,
    );
    await t.stop();
  });

  test('if timers with large data come due at once, few are read at a time, and each fires once', async () => {
    const { store, lists } = observed(makeStore());
    const heard: string[] = [];
    const t = await testMill({ pipelines: [reminders(heard)], store, limits: { memoryBytes } });
    const keys = upTo(40).map((n) => `key ${n}`);
    for (const key of keys) await t.ingest('reminders', note(key, 1, 2 * kilo));
    await t.drain();
    await t.advance(1_000);
    await t.drain();
    assertShort(lists);
    assert.deepEqual(heard.toSorted(), keys.toSorted());
    await t.stop();
  });
});
