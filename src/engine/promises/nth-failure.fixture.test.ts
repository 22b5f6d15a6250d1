import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError, messageOf } from '../../errors.ts';
import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { tableSource } from '../../sources/table-source.ts';
import type { Store } from '../../store/store.ts';
import { TestMill } from '../../testing/test-mill.ts';
import type { IngestOptions } from '../identify.ts';
import { applied, failing, isCode, Step, Steps, steps, stepsOf } from './fixture.test.ts';

/**
 * Every scenario runs with its first store call failing, then with its second, and so on until a run makes no such call. Whichever call
 * failed, the end result is the same as without failures.
 */

/** The fate of the call: the store does not answer, without or with an effect, or it is locked. */
export const failures = ['fails', 'takes effect and fails', 'is busy'] as const;
/** The power is cut, before the call takes effect or before it is answered. */
export const deaths = ['dies', 'takes effect and dies'] as const;
type Kind = (typeof failures)[number] | (typeof deaths)[number];

/** These never fail: a store that does not open has no engine, nothing follows the close, and listening makes no call to the database. */
const whole: ReadonlySet<string | symbol> = new Set(['open', 'close', 'listen']);

/** A store with one failing call, counted from 1. */
class Fault {
  readonly store: Store;
  /** The call that failed; undefined while none has. */
  method: string | undefined;
  readonly #kind: Kind;
  readonly #nth: number;
  readonly #crash: () => Promise<void>;
  #calls = 0;
  #isOver = false;
  #crashing: Promise<void> = Promise.resolve();
  #lost = Promise.withResolvers<never>();

  /** @param crash ends the engine as a power cut would, and starts it again */
  constructor(store: Store, { kind, nth, crash }: { readonly kind: Kind; readonly nth: number; readonly crash: () => Promise<void> }) {
    this.#kind = kind;
    this.#nth = nth;
    this.#crash = crash;
    const claim: Store['claim'] = async (partition) => this.#meeting(await store.claim(partition));
    this.store = this.#meeting(store, { claim });
  }

  /** A view of the store whose calls may fail. */
  #meeting<T extends object>(port: T, own: Partial<T> = {}): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member = Reflect.get(own, name) ?? Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        if (whole.has(name)) return member.bind(target);
        return (...given: unknown[]) => this.#meet(String(name), () => Reflect.apply(member, target, given));
      },
    });
  }

  /** True if the power was cut; the program then has been restarted, or is about to be. */
  get hasDied(): boolean {
    return this.method !== undefined && this.#kind.endsWith('dies');
  }

  /** Resolves to the answer of a call; if the program dies first, rejects once it runs again. */
  async answerOf<T>(call: Promise<T>): Promise<T> {
    const { promise } = this.#lost;
    return Promise.race([call, promise]);
  }

  /** Makes all further calls succeed; resolves once the program runs. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#crashing;
  }

  async #meet<T>(method: string, call: () => Promise<T>): Promise<T> {
    this.#calls += 1;
    if (this.#isOver || this.#calls !== this.#nth) return call();
    this.method = method;
    if (this.#kind.startsWith('takes effect')) await call();
    if (this.#kind === 'is busy') throw new MillraceError('MILL_STORE_BUSY', `${method} met a lock, as the test asked for`);
    if (!this.hasDied) throw new MillraceError('MILL_STORE_UNAVAILABLE', `${method} failed, as the test asked for`);
    this.#crashing = this.#die();
    return new Promise(() => undefined);
  }

  async #die(): Promise<void> {
    const { promise, reject } = this.#lost;
    promise.catch(() => undefined);
    const died = await this.#crash().then(
      () => new MillraceError('MILL_STORE_UNAVAILABLE', 'the program has died'),
      (error: unknown) => error,
    );
    this.#lost = Promise.withResolvers();
    reject(died);
  }
}

/** A client of the engine that retries failed calls. */
interface Caller {
  readonly t: TestMill;
  ingest(pipeline: string, event: unknown, options?: IngestOptions): Promise<string>;
  /** Redrives all dead letters and returns their contents. */
  redriveAll(): Promise<readonly unknown[]>;
  /** Stops the engine, which must end whichever call fails, and starts it again. */
  restart(): Promise<void>;
}

function callerOf(t: TestMill, fault: Fault): Caller {
  const again = <T>(call: () => Promise<T>) => untilDone(() => fault.answerOf(call()));
  return {
    t,
    ingest: async (pipeline, event, options) => (await again(() => t.ingest(pipeline, event, options))).status,
    async redriveAll() {
      const letters = await again(() => t.deadLetters());
      // A letter that was redriven although the answer was lost no longer exists.
      const isGone = (error: unknown) => assert.ok(isCode('MILL_NOT_FOUND')(error), messageOf(error));
      for (const { id } of letters) await again(() => t.mill.redrive(id)).catch(isGone);
      return letters.map((letter) => {
        const { key, reason, attempts } = letter;
        return { key, reason, attempts, ...(letter.kind === 'event' && { eventId: letter.eventId, parked: letter.parked }) };
      });
    },
    async restart() {
      const { hasDied } = fault;
      await fault
        .answerOf(t.mill.stop({ timeoutMs: 0 }))
        .catch((error: unknown) => assert.ok(isCode('MILL_STORE_UNAVAILABLE')(error), messageOf(error)));
      // If it died in the middle, it is already running again.
      if (fault.hasDied === hasDied) await untilDone(async () => (fault.hasDied && !hasDied) || fault.answerOf(t.start()));
    },
  };
}

/** Repeats a call as long as its failure is retryable. */
async function untilDone<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retryable) throw error;
    }
  }
}

interface Scenario {
  readonly name: string;
  readonly pipelines: readonly AnyPipeline[];
  /** The result of a call. */
  readonly answer?: (call: OutgoingCall) => Answer;
  /** Returns the answers that the caller got. */
  act(caller: Caller): Promise<unknown>;
  /** The visible state at the end. */
  see(t: TestMill): Promise<unknown>;
  /** The answers and the visible state of a run without failures. */
  readonly expected: { readonly learned?: unknown; readonly seen: unknown; readonly calls?: readonly string[] };
}

const numbersOf = (state: unknown) => Steps.parse(state ?? { steps: [] }).steps;

function eventsWithEffects(): Scenario {
  const target = pipeline('target', {
    event: Step,
    key: ({ key }) => key,
    state: Steps,
    handle: ({ n }, state) => ({ steps: [...(state?.steps ?? []), n] }),
  });
  const origin = pipeline('origin', {
    event: Step,
    key: ({ key }) => key,
    state: Steps,
    tables: { applied },
    handle(step, state, turn) {
      const before = state?.steps ?? [];
      turn.add(applied, { ...step, nth: before.length });
      turn.send(target, step);
      return { steps: [...before, step.n] };
    },
  });
  return {
    name: 'events with state, rows and a send',
    pipelines: [origin, target],
    async act({ t, ingest }) {
      await ingest('origin', { key: 'a', n: 1 }, { id: 'first' });
      await t.advance(1);
      await Promise.all([ingest('origin', { key: 'a', n: 2 }, { id: 'second' }), ingest('origin', { key: 'b', n: 3 }, { id: 'third' })]);
      await t.advance(1);
    },
    async see(t) {
      const states = [];
      for (const name of ['origin', 'target']) for (const key of ['a', 'b']) states.push(numbersOf(await t.state(name, key)));
      const rows = (await t.rows(applied)).map(({ key, n, nth }) => `${key} ${nth} ${n}`).toSorted();
      return { states, rows };
    },
    expected: { seen: { states: [[1, 2], [3], [1, 2], [3]], rows: ['a 0 1', 'a 1 2', 'b 0 3'] } },
  };
}

function numberedEvents(): Scenario {
  return {
    name: 'a numbered key out of order, with a duplicate',
    pipelines: [steps({}, { numbered: true })],
    async act({ t, ingest }) {
      for (const n of [3, 1]) await ingest('steps', { key: 'a', n });
      await t.advance(1);
      const again = [await ingest('steps', { key: 'a', n: 3 }), await ingest('steps', { key: 'a', n: 1 })];
      for (const n of [2, 4]) await ingest('steps', { key: 'a', n });
      await t.advance(1);
      return again;
    },
    see: (t) => stepsOf(t, 'a'),
    expected: { learned: ['duplicate', 'duplicate'], seen: [1, 2, 3, 4] },
  };
}

function timers(): Scenario {
  const rings = table('rings', { key: 'text' });
  const alarms = pipeline('alarms', {
    event: z.object({ key: z.string(), set: z.boolean() }),
    key: ({ key }) => key,
    state: z.object({ rung: z.number() }),
    tables: { rings },
    handle({ set }, _state, turn) {
      if (set) turn.timers.set('ring', { after: '10s' });
      else turn.timers.cancel('ring');
    },
    timers: {
      ring(state, turn) {
        turn.add(rings, { key: turn.key });
        return { rung: (state?.rung ?? 0) + 1 };
      },
    },
  });
  return {
    name: 'timers that fire, are cancelled, are set again',
    pipelines: [alarms],
    async act({ t, ingest }) {
      for (const key of ['fires', 'cancelled', 'again']) await ingest('alarms', { key, set: true }, { id: `${key} 1` });
      await t.advance('1s');
      await ingest('alarms', { key: 'cancelled', set: false }, { id: 'cancelled 2' });
      await t.advance('15s');
      await ingest('alarms', { key: 'again', set: true }, { id: 'again 2' });
      await t.advance('15s');
    },
    async see(t) {
      const states = [];
      for (const key of ['fires', 'cancelled', 'again']) states.push(await t.state('alarms', key));
      return { states, rows: (await t.rows(rings)).map(({ key }) => key).toSorted() };
    },
    expected: { seen: { states: [{ rung: 1 }, undefined, { rung: 2 }], rows: ['again', 'again', 'fires'] } },
  };
}

function failedEvents(): Scenario {
  let isBroken = true;
  const attempt = ({ n }: z.infer<typeof Step>, attempt: number) => {
    if ((n === 1 && attempt < 3) || (n === 2 && isBroken)) failing();
  };
  return {
    name: 'a retry, and a park with a redrive',
    pipelines: [steps({ attempt }, { onGiveUp: 'park' })],
    async act({ t, ingest, redriveAll }) {
      for (const n of [1, 2, 3]) await ingest('steps', { key: 'a', n }, { id: `a ${n}` });
      await t.advance('1m');
      await ingest('steps', { key: 'a', n: 4 }, { id: 'a 4' });
      await t.advance(1);
      isBroken = false;
      const letters = await redriveAll();
      await t.advance(1);
      return letters;
    },
    see: (t) => stepsOf(t, 'a'),
    expected: { learned: [{ key: 'a', eventId: 'a 2', reason: 'not today', attempts: 3, parked: true }], seen: [1, 2, 3, 4] },
  };
}

function deliveries(): Scenario {
  const shop = pipeline('shop', {
    event: Step,
    key: ({ key }) => key,
    state: z.object({ told: z.array(z.string()) }),
    deliver: {
      door: {
        to: { call: failing },
        retry: { attempts: 3, backoff: 1_000, jitter: 0 },
        outcome: (state, _turn, { id, status, attempts }) => ({ told: [...(state?.told ?? []), `${status} ${id} after ${attempts}`] }),
      },
    },
    handle({ key, n }, state, turn) {
      turn.deliver('door', { n }, { id: `${key} ${n}` });
      return state;
    },
  });
  return {
    name: 'a delivery that fails once, with its notifications',
    pipelines: [shop],
    answer: ({ attempt }) => (attempt === 1 ? { result: 'failed', reason: 'not today' } : { result: 'delivered' }),
    async act({ t, ingest }) {
      for (const key of ['a', 'b']) await ingest('shop', { key, n: 1 }, { id: key });
      await t.advance('30s');
    },
    see: async (t) => [await t.state('shop', 'a'), await t.state('shop', 'b')],
    expected: {
      seen: [{ told: ['delivered a 1 after 2'] }, { told: ['delivered b 1 after 2'] }],
      calls: ['a 1 1', 'a 1 2', 'b 1 1', 'b 1 2'],
    },
  };
}

function scheduledRuns(): Scenario {
  const mails = table('mails', { id: 'text', status: 'text', tries: 'integer?' }, { primaryKey: ['id'], defaults: { status: 'PENDING' } });
  const post = pipeline('post', {
    event: z.object({ id: z.string() }),
    key: ({ id }) => id,
    tables: { mails },
    deliver: {
      office: {
        to: { call: failing },
        retry: { by: 'pipeline', attempts: 3, backoff: 1, jitter: 0 },
        outcome: (_state, turn, { status, attempts }) =>
          turn.update(mails, { id: turn.key, status: status === 'delivered' ? 'SENT' : 'LOST', tries: attempts }),
      },
    },
    schedule: {
      ...{ every: '1m', batch: 2, concurrency: 1, timeout: '10s' },
      source: tableSource(mails, {
        rows: (query) => query.selectAll().where('status', '=', 'PENDING').orderBy('id'),
        event: ({ id }) => ({ id }),
      }),
    },
    handle: ({ id }, _state, turn) => turn.deliver('office', { id }, { id }),
  });
  const writer = pipeline('writer', {
    event: z.object({ id: z.string() }),
    tables: { mails },
    handle: ({ id }, _state, turn) => turn.put(mails, { id, status: 'PENDING' }),
  });
  return {
    name: 'a run of a schedule over a table',
    pipelines: [post, writer],
    async act({ t, ingest }) {
      for (const id of ['a', 'b']) await ingest('writer', { id }, { id });
      await t.advance('61s');
    },
    async see(t) {
      const { status } = await t.mill.schedule('post').status();
      return { status, rows: (await t.rows(mails)).map(({ id, status, tries }) => `${id} ${status} ${tries}`).toSorted() };
    },
    expected: { seen: { status: 'running', rows: ['a SENT 1', 'b SENT 1'] }, calls: ['a 1', 'b 1'] },
  };
}

function rejectedRows(): Scenario {
  let isBroken = true;
  const parts = table('parts', { id: 'text', done: 'integer' }, { primaryKey: ['id'] });
  const assemble = pipeline('assemble', {
    event: z.object({ id: z.string() }),
    tables: { parts },
    retry: { attempts: 1 },
    schedule: {
      ...{ every: '1m', batch: 1 },
      source: tableSource(parts, {
        rows: (query) => query.selectAll().where('done', '=', 0).orderBy('id'),
        event: ({ id }) => (id === 'bad' && isBroken ? failing() : { id }),
      }),
    },
    handle: ({ id }, _state, turn) => (id === 'broken' && isBroken ? failing() : turn.update(parts, { id, done: 1 })),
  });
  const writer = pipeline('writer', {
    event: z.object({ id: z.string() }),
    tables: { parts },
    handle: ({ id }, _state, turn) => turn.put(parts, { id, done: 0 }),
  });
  return {
    name: 'a run over a row that yields no event and one that fails',
    pipelines: [assemble, writer],
    async act({ t, ingest, redriveAll }) {
      isBroken = true;
      for (const id of ['bad', 'broken', 'good']) await ingest('writer', { id }, { id });
      await t.advance('125s');
      isBroken = false;
      return (await redriveAll()).length;
    },
    see: async (t) => (await t.rows(parts)).map(({ id, done }) => `${id} ${done}`).toSorted(),
    expected: { learned: 2, seen: ['bad 1', 'broken 1', 'good 1'] },
  };
}

function stops(): Scenario {
  let isBroken = true;
  const attempt = async ({ n }: z.infer<typeof Step>) => {
    if (n === 2 && isBroken) failing();
  };
  return {
    name: 'a stop with turns under way and one that waits for a retry',
    pipelines: [steps({ attempt }, { attempts: 5 })],
    async act({ t, ingest, restart }) {
      for (const n of [1, 2, 3]) await ingest('steps', { key: 'a', n }, { id: `a ${n}` });
      await restart();
      isBroken = false;
      await ingest('steps', { key: 'a', n: 4 }, { id: 'a 4' });
      await restart();
      await t.advance('1m');
    },
    see: (t) => stepsOf(t, 'a'),
    expected: { seen: [1, 2, 3, 4] },
  };
}

const scenarios = [eventsWithEffects, numberedEvents, timers, failedEvents, deliveries, scheduledRuns, rejectedRows, stops];

/** Longer than any run takes, in milliseconds: a longer run is stuck. */
const runMsMax = 10_000;
/** Time on the virtual clock in which failed work is made up for, at the latest by a schedule's next run. */
const afterwardsMs = 70_000;

interface Outcome {
  /** The call that failed; undefined when the run made fewer. */
  readonly method: string | undefined;
  /** A description of the fault; undefined if there is none. */
  readonly wrong: string | undefined;
}

/** Runs a scenario with its nth call failing. */
async function outcomeOf(store: Store, scenario: Scenario, kind: Kind, nth: number): Promise<Outcome> {
  const fault = new Fault(store, { kind, nth, crash: () => t.crash() });
  const { pipelines, answer } = scenario;
  const t: TestMill = new TestMill({ store: fault.store, pipelines, ...(answer && { answer }) });
  const standstill = Promise.withResolvers<never>();
  const timeout = setTimeout(() => standstill.reject(new Error('it stands still')), runMsMax);
  try {
    await Promise.race([run(t, fault, scenario), standstill.promise]);
    return { method: fault.method, wrong: undefined };
  } catch (error) {
    return { method: fault.method, wrong: `${scenario.name}: call ${nth}, ${fault.method}, ${kind}: ${messageOf(error)}` };
  } finally {
    clearTimeout(timeout);
  }
}

async function run(t: TestMill, fault: Fault, { act, see, expected }: Scenario): Promise<void> {
  await untilDone(async () => fault.hasDied || fault.answerOf(t.start()));
  const learned = await act(callerOf(t, fault));
  await fault.end();
  await t.advance(afterwardsMs);
  assert.deepEqual({ learned, seen: await see(t) }, { learned: expected.learned, seen: expected.seen });
  assert.deepEqual(callsOf(t, fault.hasDied), expected.calls ?? [], 'the calls that were made');
  assert.deepEqual(await t.deadLetters(), [], 'dead letters');
  for (const { depth, held, deadLetters, deliveries } of Object.values(t.mill.counts()))
    assert.deepEqual({ depth, held, deadLetters, deliveries }, { depth: 0, held: 0, deadLetters: 0, deliveries: 0 });
  assert.deepEqual(t.mill.health(), { status: 'ok' });
  await t.stop();
}

/** Only a crash forgets that a call was made. */
function callsOf({ calls }: TestMill, hasCrashed: boolean): readonly string[] {
  const made = calls.map(({ id, attempt }) => `${id} ${attempt}`).toSorted();
  return hasCrashed ? Array.from(new Set(made)) : made;
}

interface Choice {
  readonly kinds: readonly Kind[];
  /** Number of calls between two failing ones; each kind and scenario starts at another call. */
  readonly stride: number;
}

/** Declares the tests of every scenario on one kind of store. */
export function whicheverCallFails(makeStore: () => Store, { kinds, stride }: Choice): void {
  for (const [place, scenario] of scenarios.entries()) {
    for (const [at, kind] of kinds.entries()) {
      test(`${scenario().name}: a call that ${kind} makes no difference in the end`, async (context) => {
        const first = 1 + ((place + at) % stride);
        const wrong: string[] = [];
        let failed = 0;
        for (let nth = first; ; nth += stride) {
          const outcome = await outcomeOf(makeStore(), scenario(), kind, nth);
          if (outcome.wrong !== undefined) wrong.push(outcome.wrong);
          if (outcome.method === undefined) break;
          failed += 1;
        }
        context.diagnostic(`${failed} runs, in which call ${first} fails, ${first + stride}, ${first + 2 * stride}, …`);
        assert.ok(failed > 0, 'expected a call to fail, found none');
        assert.equal(wrong.join('\n'), '');
      });
    }
  }
}
