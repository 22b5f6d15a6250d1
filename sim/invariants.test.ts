import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commitOf, outcome, timer } from '../src/store/contract/fixtures.ts';
import { memory } from '../src/store/memory/memory-store.ts';
import type { Commit, NewEvent, Store } from '../src/store/store.ts';
import { checkInvariants } from './invariants.ts';
import type { AppliedTurn, ArrivedCall, Ingest, Inserted, Ledger, Witness } from './ledger.ts';

/*
 * A correct store, and one fault after another in it: each must be found, or nothing that the checks report later means
 * anything.
 */

const partition = { pipeline: 'orders', slice: 0 };
const now = Date.UTC(2026, 0, 1);

const event = (id: string, acceptedAt = now): NewEvent => ({
  ...{ partition, key: 'ann', id, knownSince: 0, number: null, acceptedAt, body: '{}', traceparent: null, origin: null },
});

const armed = { timer: 'bell', arm: 'bell 1', dueAt: now + 10 };
const bell = timer('ann', armed.timer, armed.dueAt);
const turns: readonly AppliedTurn[] = [
  { key: 'ann', cause: { kind: 'event', name: 'a' }, life: 1, armed: [armed], asked: [{ endpoint: 'mail', id: 'm' }], sent: [] },
  { key: 'ann', cause: { kind: 'outcome', endpoint: 'mail', id: 'm', status: 'delivered' }, life: 1, armed: [], asked: [], sent: [] },
  { key: 'ann', cause: { kind: 'event', name: 'b' }, life: 1, armed: [], asked: [], sent: [] },
];
const call: ArrivedCall = { pipeline: 'orders', endpoint: 'mail', key: 'ann', id: 'm', life: 1, result: 'delivered' };

/** The correct world: two events, applied; a timer ahead; a delivery that was made. */
async function world(): Promise<{ readonly store: Store; readonly ledger: Ledger }> {
  const store = memory();
  await store.open({ pipelines: [{ name: 'orders', numbered: false }], tables: [] });
  await store.append([event('a'), event('b')]);
  const lease = await store.claim(partition);
  await lease.commit(
    commitOf({
      cursor: 2,
      keys: [{ key: 'ann', state: { json: '3', version: 1 }, next: null, parked: false }],
      timers: [bell],
    }),
  );
  const ingest = { pipeline: 'orders', key: 'ann', answer: 'accepted' } as const;
  const ingests = [
    { ...ingest, name: 'a', began: 1, ended: 2 },
    { ...ingest, name: 'b', began: 3, ended: 4 },
  ];
  return { store, ledger: { witnesses: [witnessOf(turns)], ingests, calls: [call], resolved: [] } };
}

function witnessOf(applied: readonly AppliedTurn[], changes: Partial<Witness> = {}): Witness {
  return {
    pipeline: 'orders',
    numbered: false,
    endpoints: [{ name: 'mail', isOrdered: true, isTold: true }],
    nameOf: ({ id }) => id,
    turns: async () => applied,
    fold: (own) => own.length,
    ...changes,
  };
}

const turn = (at: number): AppliedTurn => turns[at] as AppliedTurn;

describe('a correct history', () => {
  test('breaks nothing', async () => {
    const { store, ledger } = await world();
    assert.deepEqual(await checkInvariants(ledger, store), []);
    assert.deepEqual(await checkInvariants(ledger, store, { settledAt: now }), []);
  });
});

/** A change to the world, and the complaint it must cause. */
interface Break {
  readonly what: string;
  readonly says: RegExp;
  readonly turns?: readonly AppliedTurn[];
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly store?: (store: Store) => Promise<unknown>;
  readonly settledAt?: number;
  readonly witness?: Partial<Witness>;
}

const commit = async (store: Store, work: Partial<Commit>) => {
  const lease = await store.claim(partition);
  return lease.commit(commitOf({ cursor: lease.standing.cursor, ...work }));
};

const also = (ledger: Ledger, name: string, answer: Ledger['ingests'][number]['answer']): Ledger => ({
  ...ledger,
  ingests: [...ledger.ingests, { pipeline: 'orders', key: 'ann', name, answer, began: 9, ended: 10 }],
});

/** A committed row of the inbox, taken in unless the changes say otherwise. */
const inserted = (ledger: Ledger, ...rows: readonly (Pick<Inserted, 'name'> & Partial<Inserted>)[]): Ledger => ({
  ...ledger,
  inserted: rows.map((row) => ({ pipeline: 'orders', key: 'ann', isRefused: false, began: 1, ended: 2, isWaiting: false, ...row })),
});

const rowLetter = (id: string, mark: string) => ({
  ...{ kind: 'origin' as const, id, key: '1', reason: 'not today', stack: null, failedAt: now, attempts: 0 },
  origin: JSON.stringify({ millrace_inbox: 1, id: null, traceparent: null, event: JSON.stringify({ mark }) }),
});

const timerTurn = (at: number): AppliedTurn => ({
  key: 'ann',
  cause: { kind: 'timer', arm: 'bell 1', at },
  life: 1,
  armed: [],
  asked: [],
  sent: [],
});

const letter = {
  ...{ kind: 'event' as const, id: 'l', key: 'ann', reason: 'not today', stack: null, failedAt: now, attempts: 1 },
  ...{ event: { position: 2, order: 2 }, parked: false },
};
const given: AppliedTurn = { ...turn(1), cause: { kind: 'outcome', endpoint: 'mail', id: 'm', status: 'given up' } };
const doubtful: AppliedTurn = { ...turn(1), cause: { kind: 'outcome', endpoint: 'mail', id: 'm', status: 'unknown' } };

const breaks: readonly Break[] = [
  {
    what: 'an accepted event is not in the log',
    says: /"c".* was accepted but is lost/,
    ledger: (ledger) => also(ledger, 'c', 'accepted'),
  },
  { what: 'a duplicate is not in the log', says: /"c".* is not in the log/, ledger: (ledger) => also(ledger, 'c', 'duplicate') },
  {
    what: 'a refused event is in the log',
    says: /"b".* was refused/,
    ledger: (ledger) => ({ ...ledger, ingests: ledger.ingests.map((one) => (one.name === 'b' ? { ...one, answer: 'refused' } : one)) }),
  },
  { what: 'an event is accepted twice', says: /answered accepted 2 times/, ledger: (ledger) => also(ledger, 'b', 'accepted') },
  {
    what: 'an event is in the log twice',
    says: /"a".* in the log 2 times/,
    store: (store) => store.append([{ ...event('a'), knownSince: null }]),
  },
  {
    what: 'a row of the inbox is lost',
    says: /row c of the inbox was committed but is lost/,
    ledger: (ledger) => inserted(ledger, { name: 'a' }, { name: 'c' }),
  },
  {
    what: 'a row of the inbox is in the log and was never committed',
    says: /row b of the inbox exists, but was never committed/,
    ledger: (ledger) => inserted(ledger, { name: 'b', ended: Number.POSITIVE_INFINITY }),
  },
  {
    what: 'a taken row of the inbox is still there',
    says: /row b of the inbox is in several places: waiting true, in the log true/,
    ledger: (ledger) => inserted(ledger, { name: 'b', isWaiting: true }),
  },
  {
    what: 'a row of the inbox is a dead letter twice',
    says: /row c of the inbox is in several places: .* dead letters 2/,
    ledger: (ledger) => inserted(ledger, { name: 'c', isRefused: true }),
    store: (store) => commit(store, { deadLetters: [rowLetter('l1', 'c'), rowLetter('l2', 'c')] }),
  },
  {
    what: 'a row of the inbox is a dead letter without a refusal',
    says: /row c of the inbox is a dead letter, but nothing refuses it/,
    ledger: (ledger) => inserted(ledger, { name: 'c' }),
    store: (store) => commit(store, { deadLetters: [rowLetter('l1', 'c')] }),
  },
  {
    what: 'a row of the inbox overtook one that was committed before its insertion',
    says: /row a of the inbox precedes b, which had committed before it was inserted/,
    ledger: (ledger) => inserted(ledger, { name: 'b' }, { name: 'a', began: 3, ended: 4 }),
  },
  {
    what: 'a row of the inbox still waits at rest',
    says: /row c still waits in the inbox/,
    ledger: (ledger) => inserted(ledger, { name: 'c', isWaiting: true }),
    settledAt: now,
  },
  { what: 'an event came from nobody', says: /nobody brought or sent it/, store: (store) => store.append([event('c')]) },
  { what: 'an event took effect twice', says: /"b".* took effect 2 times/, turns: [...turns, turn(2)] },
  { what: 'a settled event had no effect', says: /"b".* settled without effect/, turns: turns.slice(0, 2) },
  {
    what: 'an event had an effect and is still held',
    says: /"b".* took effect and still waits/,
    store: (store) => commit(store, { holds: [{ key: 'ann', order: 2, position: 2, attempts: 1, retryAt: null }] }),
  },
  { what: 'events took effect out of order', says: /a was applied after b/, turns: [turn(2), turn(0), turn(1)] },
  {
    what: 'an earlier accepted event comes later in the log',
    says: /precedes an event that was accepted earlier/,
    ledger: (ledger) => ({ ...ledger, ingests: ledger.ingests.map((one) => (one.name === 'b' ? { ...one, began: -1, ended: 0 } : one)) }),
  },
  {
    what: 'the state does not follow from the turns',
    says: /the state is 3, but its turns make 4/,
    turns: [...turns, timerTurn(now + 20)],
  },
  { what: 'a timer fired early', says: /fired 3 ms early/, turns: [...turns, timerTurn(now + 7)] },
  { what: 'a timer fired twice', says: /fired twice/, turns: [...turns, timerTurn(now + 20), timerTurn(now + 20)] },
  {
    what: 'a cancelled timer fired',
    says: /although it was cancelled/,
    turns: [...turns, { ...turn(2), armed: [{ ...armed, arm: null }] }, timerTurn(now + 20)],
  },
  {
    what: 'a timer is missing',
    says: /the store has none/,
    store: (store) => commit(store, { timers: [{ kind: 'timer', key: 'ann', name: 'bell', dueAt: null }] }),
  },
  {
    what: 'a timer that nobody set is pending',
    says: /gong is pending that nobody set/,
    store: (store) => commit(store, { timers: [{ ...bell, name: 'gong', dueAt: 1 }] }),
  },
  {
    what: 'an event overtook a timer',
    says: /c overtook timer bell 1/,
    turns: [...turns, { ...turn(2), cause: { kind: 'event', name: 'c' } }],
    store: (store) => store.append([event('c', now + 11)]),
  },
  {
    what: 'a call was made without a request',
    says: /x was called but never requested/,
    ledger: (ledger) => ({ ...ledger, calls: [...ledger.calls, { ...call, id: 'x' }] }),
  },
  {
    what: 'a delivery was made twice',
    says: /requested 1 times but delivered 2 times/,
    ledger: (ledger) => ({ ...ledger, calls: [call, call] }),
  },
  {
    what: 'a delivery was repeated later',
    says: /called again after its success was recorded/,
    ledger: (ledger) => ({ ...ledger, calls: [call, { ...call, life: 2 }] }),
  },
  {
    what: 'a refused delivery is called again',
    says: /called again after it was refused/,
    ledger: (ledger) => ({ ...ledger, calls: [{ ...call, result: 'refused' }, call] }),
  },
  {
    what: 'a delivery that may have arrived is called again',
    says: /called again after it was doubtful/,
    ledger: (ledger) => ({ ...ledger, calls: [{ ...call, result: 'doubtful' }, call] }),
  },
  {
    what: 'at rest a key is parked for no reason',
    says: /ann is parked, but no dead letter says why/,
    store: (store) => commit(store, { keys: [{ key: 'ann', state: { json: '3', version: 1 }, next: null, parked: true }] }),
    settledAt: now,
  },
  { what: 'a delivery was never made', says: /no call of it was/, ledger: (ledger) => ({ ...ledger, calls: [] }) },
  {
    what: 'a key was notified twice of an outcome',
    says: /was delivered after its outcome/,
    turns: [turn(0), turn(1), turn(1), turn(2)],
  },
  {
    what: 'an outcome waits for no reason',
    says: /key ann was not notified of the outcome of delivery n to mail/,
    settledAt: now,
    store: (store) => commit(store, { outcomes: [outcome('ann', 'n', now)] }),
  },
  {
    what: 'a key was never notified of an outcome',
    says: /never notified of the fate of delivery m/,
    turns: [turn(0), turn(2)],
    settledAt: now,
  },
  {
    what: 'deliveries of a key were made out of order',
    says: /m was called after n/,
    turns: [
      {
        ...turn(0),
        asked: [
          { endpoint: 'mail', id: 'm' },
          { endpoint: 'mail', id: 'n' },
        ],
      },
      ...turns.slice(1),
    ],
    ledger: (ledger) => ({ ...ledger, calls: [{ ...call, id: 'n' }, call] }),
  },
  {
    what: 'a send is lost',
    says: /sent c to orders ann, which is lost/,
    turns: [...turns.slice(0, 2), { ...turn(2), sent: [{ pipeline: 'orders', key: 'ann', name: 'c' }] }],
  },
  {
    what: 'at rest an event waits for no reason',
    says: /c of key ann waits for nothing/,
    store: (store) => store.append([event('c')]),
    settledAt: now,
  },
  {
    what: 'a timer overtook an event',
    says: /timer bell 1 overtook b/,
    turns: [...turns.slice(0, 2), timerTurn(now + 20), turn(2)],
    ledger: (ledger) => ({ ...ledger, ingests: ledger.ingests.map((one) => ({ ...one, answeredAt: now })) }),
  },
  {
    what: 'an event took effect and is also a dead letter',
    says: /"b".* took effect and is a dead letter/,
    store: (store) => commit(store, { deadLetters: [letter] }),
  },
  {
    what: 'a dead letter has no reason',
    says: /dead letter l has no reason/,
    store: (store) => commit(store, { deadLetters: [{ ...letter, reason: '' }] }),
  },
  {
    what: 'an event was given up too soon',
    says: /given up after 1 attempts/,
    store: (store) => commit(store, { deadLetters: [letter] }),
    witness: { attempts: 2 },
  },
  {
    what: 'a key is parked for no reason',
    says: /ann is parked, but no dead letter says why/,
    store: (store) => commit(store, { keys: [{ key: 'ann', state: null, next: null, parked: true }] }),
  },
  {
    what: 'a key that should be parked is not',
    says: /ann is open, but a dead letter says that it is parked/,
    store: (store) => commit(store, { deadLetters: [{ ...letter, parked: true }] }),
  },
  { what: 'a given-up delivery is not visible', says: /m to mail was given up/, turns: [turn(0), given, turn(2)] },
  {
    what: 'a delivery that may have arrived is not visible',
    says: /m to mail was unknown/,
    turns: [turn(0), doubtful, turn(2)],
  },
  { what: 'at rest a timer is due', says: /bell of key ann is due and has not fired/, settledAt: now + 10 },
];

describe('a fault in a history is found', () => {
  for (const {
    what,
    says,
    turns: applied = turns,
    ledger: change = (ledger: Ledger) => ledger,
    store: spoil,
    settledAt,
    witness,
  } of breaks) {
    test(what, async () => {
      const { store, ledger } = await world();
      await spoil?.(store);
      const broken = await checkInvariants(
        { ...change(ledger), witnesses: [witnessOf(applied, witness)] },
        store,
        settledAt === undefined ? {} : { settledAt },
      );
      assert.match(broken.join('\n'), says);
    });
  }
});

describe('with numbers', () => {
  const applied = (numbers: readonly number[]): readonly AppliedTurn[] =>
    numbers.map((number) => ({ key: 'ann', cause: { kind: 'event', name: String(number) }, armed: [], asked: [], sent: [] }));

  /** Returns the complaints when these numbers of a key were accepted and those were applied, in that order. */
  async function brokenOf(accepted: readonly number[], order: readonly number[], late?: number): Promise<readonly string[]> {
    const store = memory();
    await store.open({ pipelines: [{ name: 'orders', numbered: true }], tables: [] });
    await store.append(accepted.map((number) => ({ ...event(`ann#${number}`), number, knownSince: null })));
    const lease = await store.claim(partition);
    const { head } = lease.standing;
    const releases = order.map((number) => ({ key: 'ann', from: number, to: number }));
    const keys = [{ key: 'ann', state: null, next: Math.max(...order) + 1, parked: false }];
    await lease.commit(commitOf({ cursor: head, releases, keys }));
    const numbered: Witness = {
      pipeline: 'orders',
      numbered: true,
      endpoints: [],
      nameOf: ({ number }) => String(number),
      turns: async () => applied(order),
    };
    const ingest = { pipeline: 'orders', key: 'ann', answer: 'accepted' } as const;
    const ingests: Ingest[] = accepted.map((number, at) => ({ ...ingest, name: String(number), began: 2 * at, ended: 2 * at + 1 }));
    if (late !== undefined) ingests.push({ ...ingest, answer: 'late', name: String(late), began: 98, ended: 99 });
    return checkInvariants({ witnesses: [numbered], ingests, calls: [], resolved: [] }, store, { settledAt: now });
  }

  test('any order of arrival is fine as long as numbers are applied in order; early ones wait', async () => {
    assert.deepEqual(await brokenOf([3, 1, 2, 5], [1, 2, 3]), []);
  });

  test('numbers applied out of order are found', async () => {
    assert.match((await brokenOf([1, 2], [2, 1])).join('\n'), /1 was applied after 2/);
  });

  test('a number reported late but never skipped is found', async () => {
    assert.match((await brokenOf([1, 2], [1, 2], 1)).join('\n'), /1 was reported late but never skipped/);
  });

  test('a number that was left out is found', async () => {
    assert.match((await brokenOf([1, 3], [1, 3])).join('\n'), /3 was applied but the earlier 2 was not/);
  });
});
