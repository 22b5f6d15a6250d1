import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Lease, Progress, Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { Lane } from '../lane.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import {
  type CommitCall,
  failing,
  isCode,
  onEveryStore,
  Step,
  Steps,
  steps,
  stepsOf,
  upTo,
  withCalls,
  withMembers,
} from './fixture.test.ts';

type Transition = {
  [Name in keyof Lane]: Lane[Name] extends (...given: never[]) => unknown ? Name : never;
}[keyof Lane];

/** Makes key `a` repeat its next such transition; with `before`, calls that first and makes the transition once. */
function spoil(name: Transition, before?: (lane: Lane) => void): void {
  const original = Reflect.get(Lane.prototype, name) as (...given: unknown[]) => unknown;
  Reflect.set(Lane.prototype, name, function (this: Lane, ...given: unknown[]) {
    if (this.key !== 'a') return Reflect.apply(original, this, given);
    Reflect.set(Lane.prototype, name, original);
    if (before === undefined) Reflect.apply(original, this, given);
    else before(this);
    return Reflect.apply(original, this, given);
  });
}

const sink = pipeline('sink', { event: Step, key: ({ key }) => key, handle: () => undefined });

/** Steps whose number decides whether they fail, take time, set a timer, deliver, or send. */
function manyWays(behaviour: { failAt: number; isSlow: boolean }) {
  return pipeline('steps', {
    event: Step,
    key: ({ key }) => key,
    state: Steps,
    retry: { attempts: 2, backoff: '1s' },
    deliver: { hook: { to: { call: async () => ({ result: 'delivered' as const }) }, outcome: (state) => state } },
    handle(step, state, turn) {
      if (step.n === behaviour.failAt) failing();
      if (step.n === 3) turn.timers.set('later', { after: '1m' });
      if (step.n === 4) turn.deliver('hook', {});
      if (step.n === 5) for (const n of [1, 2, 3]) turn.send(sink, { key: 's', n });
      if (step.n === 6) turn.send(sink, { key: 's', n: 4 });
      const next = { steps: [...(state?.steps ?? []), step.n] };
      return behaviour.isSlow ? setImmediate(next) : next;
    },
    timers: { later: (state) => state },
  });
}

const numbered = pipeline('numbered', { event: Step, key: ({ key }) => key, order: { by: ({ n }) => n }, handle: () => undefined });

interface Case {
  readonly where: string;
  readonly transition: Transition;
  readonly before?: (lane: Lane) => void;
  readonly failAt?: number;
  readonly isSlow?: boolean;
  /** The events ingested first, which are handled normally. */
  readonly first?: readonly number[];
  /** Provokes the violation. */
  act(t: TestMill): Promise<unknown>;
}

const ingest = (t: TestMill, n: number, key = 'a') => t.mill.ingest('steps', { key, n });

const cases: readonly Case[] = [
  { where: 'as an event is dispatched', transition: 'beginTurn', act: (t) => ingest(t, 1) },
  { where: 'as a turn ends at once', transition: 'endTurn', act: (t) => ingest(t, 1) },
  { where: 'as a turn that took time ends', transition: 'endTurn', isSlow: true, act: (t) => ingest(t, 1) },
  {
    where: 'as an event that waited for a place is dispatched',
    transition: 'beginTurn',
    act: (t) =>
      t.mill.ingestBatch('steps', [
        { key: 'b', n: 1 },
        { key: 'a', n: 1 },
      ]),
  },
  {
    where: 'as a key waits for a place',
    transition: 'queueUp',
    isSlow: true,
    act: (t) => Promise.all([1, 2].map((n) => ingest(t, n))),
  },
  {
    where: 'as a key gets a place',
    transition: 'takePlace',
    isSlow: true,
    act: (t) => Promise.all([1, 2].map((n) => ingest(t, n))),
  },
  { where: 'as an event fails', transition: 'block', failAt: 1, act: (t) => ingest(t, 1) },
  { where: 'as an event that took time fails', transition: 'block', failAt: 2, isSlow: true, first: [1], act: (t) => ingest(t, 2) },
  { where: 'as a retry comes due', transition: 'beginReload', failAt: 1, first: [1], act: (t) => t.advance('1s') },
  { where: 'as held events have been read', transition: 'refill', failAt: 1, first: [1], act: (t) => t.advance('1s') },
  { where: 'as a key that was read back goes on', transition: 'beginTurn', failAt: 1, first: [1], act: (t) => t.advance('1s') },
  { where: 'as a key is parked', transition: 'park', failAt: 1, first: [1], act: (t) => t.advance('1s') },
  {
    where: 'as a parked key is opened',
    transition: 'unpark',
    failAt: 1,
    first: [1],
    async act(t) {
      await t.advance('5s');
      const [letter] = await t.deadLetters();
      await assert.rejects(t.mill.redrive(letter?.id ?? ''), isCode('MILL_INTERNAL'));
    },
  },
  { where: 'as a timer comes due', transition: 'beginCauseTurn', first: [3], act: (t) => t.advance('1m') },
  { where: 'as a delivery ends', transition: 'beginCauseTurn', act: (t) => ingest(t, 4) },
  {
    where: 'as a key finds room for what it sends',
    transition: 'findRoom',
    async act(t) {
      await t.mill.pause('sink');
      await ingest(t, 5);
      await ingest(t, 6);
      await t.advance(0);
      await t.mill.resume('sink');
    },
  },
  {
    where: 'as a gap is noted',
    transition: 'noteGap',
    before: (lane) => lane.endGap(),
    async act(t) {
      await t.mill.ingest('numbered', { key: 'a', n: 2 });
      await t.advance('2s');
    },
  },
  {
    where: 'as a pipeline is resumed',
    transition: 'beginTurn',
    async act(t) {
      await t.mill.pause('steps');
      await ingest(t, 1);
      await t.mill.resume('steps');
    },
  },
];

/** A lease that reports different progress of its partition. */
function standingAt(lease: Lease, progress: Partial<Progress>): Lease {
  return withMembers(lease, { standing: { ...lease.standing, ...progress } });
}

/** The answers of a misbehaving store. */
interface Misbehaviour {
  readonly what: string;
  readonly code: string;
  readonly reason: RegExp;
  readonly calls: (store: Store) => Partial<Store>;
}

const misbehaviours: readonly Misbehaviour[] = [
  {
    what: 'a claim whose cursor has fallen',
    code: 'MILL_STORE_CORRUPT',
    reason: /^partition steps\/\d: the store has lost data that it had acknowledged: expected a cursor of \d or more, found 0$/,
    calls: (store) => ({ claim: async (partition) => standingAt(await store.claim(partition), { cursor: 0 }) }),
  },
  {
    what: 'a claim whose log has become shorter',
    code: 'MILL_STORE_CORRUPT',
    reason:
      /^partition steps\/\d: the store has lost data that it had acknowledged: expected a log up to \d or beyond, found one up to \d$/,
    calls: (store) => ({
      async claim(partition) {
        const lease = await store.claim(partition);
        return standingAt(lease, { head: lease.standing.cursor });
      },
    }),
  },
  {
    what: 'a claim whose cursor is beyond the log',
    code: 'MILL_STORE_CORRUPT',
    reason: /^partition steps\/\d: expected a cursor of \d, the end of the log, or less, found 1000$/,
    calls: (store) => ({ claim: async (partition) => standingAt(await store.claim(partition), { cursor: 1_000 }) }),
  },
  {
    what: 'positions of the log out of order',
    code: 'MILL_STORE_CORRUPT',
    reason: /^log of steps: expected position \d, found position \d$/,
    calls: (store) => ({
      async read(...asked) {
        const events = await store.read(...asked);
        const [first, second, third, ...others] = events;
        // There are fewer if the previous tenure had read further.
        if (first === undefined || second === undefined) return events;
        return third === undefined ? [second, first] : [first, third, second, ...others];
      },
    }),
  },
  {
    what: 'held events out of order',
    code: 'MILL_INTERNAL',
    reason: /^lane of key "a": expected held events in their order, found \d after \d$/,
    calls: (store) => ({ held: async (...asked) => (await store.held(...asked)).toReversed() }),
  },
];

onEveryStore('What may never happen', ({ testMill, makeStore }) => {
  for (const { where, transition, before, failAt = 0, isSlow = false, first = [], act } of cases) {
    test(`${where} ends the tenure: the reason is logged, and nothing is lost`, async () => {
      const { log, lines } = recordingLogger();
      const behaviour = { failAt, isSlow };
      const t = await testMill({
        pipelines: [manyWays(behaviour), sink, numbered],
        log,
        limits: { commit: 1, backlog: 3, effects: 3, sends: 6 },
      });
      for (const n of first) await ingest(t, n);
      if (first.length > 0) await t.advance(0);
      spoil(transition, before);
      await act(t);
      await t.advance(0);
      assert.match(t.mill.health().reason ?? 'all is well', /^lane of key "a": expected/);
      await assert.rejects(t.mill.stopped, isCode('MILL_INTERNAL'));
      const [line] = lines.filter(({ level }) => level === 'error').filter(({ fields }) => fields.code === 'MILL_INTERNAL');
      assert.match(String(line?.fields.reason), /^lane of key "a": expected/);
      assert.match(String(line?.fields.stack), /lane(?:-waits)?\.ts/);

      behaviour.failAt = 0;
      await t.stop();
      await t.start();
      await t.advance('1h');
      for (const { id } of await t.deadLetters()) await t.mill.redrive(id);
      await ingest(t, 9);
      await t.mill.ingest('numbered', { key: 'a', n: 1 });
      await t.drain();
      const applied = ((await t.state('steps', 'a')) as { steps: number[] }).steps;
      const expected = [...new Set([...applied].sort((one, other) => one - other))];
      assert.deepEqual(applied, expected, 'each once, in order');
      assert.ok(first.every((n) => applied.includes(n)));
      for (const { received, processed, depth } of Object.values(t.mill.counts())) assert.deepEqual([processed, depth], [received, 0]);
      await t.stop();
    });
  }

  for (const { what, code, reason, calls } of misbehaviours) {
    test(`${what} ends the tenure: the reason is logged, and nothing is lost`, async () => {
      const { log, lines } = recordingLogger();
      const base = makeStore();
      const wrong = calls(base);
      let isWrong = false;
      const called = <Name extends keyof Store>(name: Name): Partial<Store> => {
        const own = wrong[name];
        if (own === undefined) return {};
        const right = base[name] as (...given: unknown[]) => unknown;
        return { [name]: (...given: unknown[]) => Reflect.apply(isWrong ? (own as typeof right) : right, base, given) };
      };
      let failures = 0;
      const commit: CommitCall = async (work, lease) => {
        if (!isWrong || failures > 0 || lease.partition.pipeline !== 'steps') return lease.commit(work);
        failures += 1;
        throw new MillraceError('MILL_STORE_UNAVAILABLE', 'not now');
      };
      const store = withCalls(base, { ...called('claim'), ...called('read'), ...called('held'), commit });
      const failAt = { n: 0 };
      const attempt = ({ n }: { n: number }) => (n === failAt.n ? failing() : undefined);
      const t = await testMill({ pipelines: [steps({ attempt })], store, log, limits: { feed: 1 } });
      for (const n of upTo(4)) await t.ingest('steps', { key: 'a', n });
      await t.drain();
      failAt.n = 5;
      isWrong = true;
      await t.mill.ingestBatch(
        'steps',
        [5, 6, 7, 8].map((n) => ({ key: 'a', n })),
      );
      await t.advance('2s');
      assert.match(t.mill.health().reason ?? 'all is well', reason);
      await assert.rejects(t.mill.stopped, isCode(code));
      const [line] = lines.filter(({ level }) => level === 'error').filter(({ fields }) => fields.code === code);
      assert.match(String(line?.fields.reason), reason);

      isWrong = false;
      failAt.n = 0;
      await t.stop();
      await t.start();
      await t.advance('1m');
      assert.deepEqual(await stepsOf(t, 'a'), upTo(8));
      await t.stop();
    });
  }
});
