import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memory } from '../../src/store/memory/memory-store.ts';
import type { DeadLetter, KeyRecord } from '../../src/store/store.ts';
import type { AppliedTurn, ArrivedCall, Ledger, Resolved, ShownItem, ShownPage } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';
import { checkTimelines } from './timeline.ts';

/* A key with a correct timeline, and one fault after another in it: each must be found. */

const now = Date.UTC(2026, 0, 1);
const pipeline = 'orders';

const event = (position: number, name: string): NamedEvent => ({
  ...{
    position,
    name,
    key: 'ann',
    id: `id ${name}`,
    number: null,
    acceptedAt: now + position,
    body: '{}',
    traceparent: null,
    origin: null,
  },
  ...{ slice: 0, isWaiting: false },
});
const events = [event(1, 'a'), event(2, 'b'), event(3, 'c'), event(4, 'd')];

const turns: readonly AppliedTurn[] = [
  {
    ...{ key: 'ann', cause: { kind: 'event', name: 'a' }, attempt: 2 },
    armed: [{ timer: 'bell', arm: 'bell 1', dueAt: now + 10 }],
    asked: [{ endpoint: 'mail', id: 'm' }],
    sent: [{ pipeline, key: 'ann', name: 'd' }],
  },
  { key: 'ann', cause: { kind: 'timer', arm: 'bell 1', at: now + 10 }, attempt: 1, armed: [], asked: [], sent: [] },
  { key: 'ann', cause: { kind: 'outcome', endpoint: 'mail', id: 'm', status: 'delivered' }, attempt: 1, armed: [], asked: [], sent: [] },
];
const calls: readonly ArrivedCall[] = [{ pipeline, endpoint: 'mail', key: 'ann', id: 'm', life: 1, result: 'delivered' }];
const resolved: readonly Resolved[] = [
  { id: 'letter c', pipeline, key: 'ann', what: 'event', name: 'c', how: 'discarded', wasParked: false },
];
const letters: readonly DeadLetter[] = [
  {
    ...{
      kind: 'event',
      id: 'letter b',
      key: 'ann',
      reason: 'no',
      stack: null,
      failedAt: now,
      attempts: 1,
      partition: { pipeline, slice: 0 },
    },
    ...{ event: { position: 2, order: 2 }, parked: false, eventId: 'id b', body: '{}', acceptedAt: now + 2, origin: null },
  },
];
const record: KeyRecord = {
  ...{ state: null, next: null, parked: false, heldFrom: 4, heldTo: 4, held: 1, gap: null, outcomes: [] },
  timers: [{ kind: 'timer', key: 'ann', name: 'gong', dueAt: now, data: null, attempts: 0, retryAt: null }],
};
const held = { ...event(4, 'd'), order: 4, attempts: 1, retryAt: null };

const about = (name: string) => ({ event: `id ${name}`, acceptedAt: events.find((one) => one.name === name)?.acceptedAt });
const item = (id: string, kind: string, facts: object): ShownItem => ({ id, kind, at: now, commit: id.split('.')[0] ?? null, ...facts });

/** The correct timeline, oldest first. */
const correct: readonly ShownItem[] = [
  item('1.0', 'failed', { ...about('a'), attempt: 1 }),
  item('2.0', 'handled', { ...about('a'), attempt: 2 }),
  item('2.1', 'timer-set', { timer: 'bell', dueAt: now + 10, causedBy: '2.0' }),
  item('2.2', 'sent', { to: pipeline, sent: 'id d', causedBy: '2.0' }),
  item('2.3', 'delivery-asked', { endpoint: 'mail', delivery: 'm', causedBy: '2.0' }),
  item('3.0', 'failed', { ...about('b'), attempt: 1 }),
  item('3.1', 'gave-up', { deadLetter: 'letter b', attempts: 1, causedBy: '3.0' }),
  item('3.2', 'failed', { ...about('c'), attempt: 1 }),
  item('3.3', 'gave-up', { deadLetter: 'letter c', attempts: 1 }),
  { ...item('4.0', 'operator', { action: 'discard', subject: 'letter c' }), commit: null },
  item('5.0', 'handled', { timer: 'bell', dueAt: now + 10, attempt: 1 }),
  item('6.0', 'delivery-called', { endpoint: 'mail', delivery: 'm', attempt: 1, result: 'delivered' }),
  item('7.0', 'handled', { endpoint: 'mail', delivery: 'm', attempt: 1 }),
  item('8.0', 'failed', { ...about('d'), attempt: 1 }),
];

/** Returns what is found in a timeline. @param items oldest first */
async function brokenOf(items: readonly ShownItem[], page = pageOf): Promise<readonly string[]> {
  const newest = items.toReversed();
  const witness: Evidence['witness'] = {
    ...{ pipeline, numbered: false, nameOf: ({ id }: { readonly id: string }) => id, turns: async () => turns },
    endpoints: [{ name: 'mail', isOrdered: false, isTold: true }],
    timeline: async (_store, _key, { limit, place }) => page(newest, Number(place ?? 0), limit),
  };
  const standing = { cursor: 4, head: 4, held: 1, deadLetters: 1, parked: 0, deliveries: 0, gaps: 0 };
  const evidence: Evidence = {
    ...{ witness, events, letters, turns: new Map([['ann', turns]]), keys: new Map([['ann', record]]) },
    slices: [{ partition: { pipeline, slice: 0 }, standing, held: [held] }],
  };
  const ledger: Ledger = { witnesses: [witness], ingests: [], calls, resolved };
  const broken: string[] = [];
  await checkTimelines([evidence], ledger, { store: memory(), isAtRest: false, say: (words) => void broken.push(words) });
  return broken;
}

function pageOf(items: readonly ShownItem[], from: number, limit: number): ShownPage {
  const to = from + limit;
  return { items: items.slice(from, to), ...(to < items.length && { next: to }) };
}

const without = (id: string) => correct.filter((one) => one.id !== id);
const changed = (id: string, facts: object) => correct.map((one) => (one.id === id ? { ...one, ...facts } : one));
const swapped = (id: string, other: string) => {
  const places = new Map(correct.map((one) => [one.id, one]));
  return correct.map((one) => {
    if (one.id !== id && one.id !== other) return one;
    return places.get(one.id === id ? other : id) ?? one;
  });
};

/** A fault in the timeline, and the complaint it must cause. */
const breaks: readonly { readonly what: string; readonly items: readonly ShownItem[]; readonly says: RegExp }[] = [
  { what: 'a turn is missing', items: without('5.0'), says: /tells a turn of outcome mail\/m, expected timer bell/ },
  { what: 'the last turn is missing', items: without('7.0'), says: /does not tell the turn of outcome mail\/m/ },
  {
    what: 'a turn is told that took no effect',
    items: [...correct, item('9.0', 'handled', { ...about('d'), attempt: 2 })],
    says: /expected none/,
  },
  { what: 'a turn is told of another event', items: changed('2.0', about('b')), says: /tells a turn of event b, expected event a/ },
  { what: 'a turn is told as another attempt', items: changed('2.0', { attempt: 3 }), says: /tells attempt 3 of event id a/ },
  { what: 'an event is told to be accepted at another time', items: changed('2.0', { acceptedAt: now }), says: /was accepted at/ },
  { what: 'an effect is missing', items: without('2.1'), says: /tells sent .*, expected timer-set bell/ },
  { what: 'the last effect is missing', items: without('2.3'), says: /does not tell delivery-asked mail\/m/ },
  { what: 'another event is told to be sent', items: changed('2.2', { sent: 'id a' }), says: /tells sent \["orders","ann","a"\]/ },
  { what: 'an effect is told that nobody decided', items: changed('2.1', { dueAt: now }), says: /tells timer-set bell \d+, expected/ },
  { what: 'an effect has another cause', items: changed('2.1', { causedBy: '1.0' }), says: /apart from its turn/ },
  { what: 'a failed attempt is missing', items: without('1.0'), says: /tells attempt 2 of event id a after 0 that failed/ },
  {
    what: 'a failed attempt is told twice',
    items: [...correct, { ...item('9.0', 'failed', { ...about('d'), attempt: 1 }) }],
    says: /after 1 that failed/,
  },
  { what: 'the last failed attempt is missing', items: without('8.0'), says: /tells 0 failed attempts of event id d, expected 1/ },
  {
    what: 'a failed attempt is told that is not stored',
    items: [...correct, item('9.0', 'failed', { timer: 'gong', attempt: 1 })],
    says: /tells 1 failed attempts of timer gong, expected 0/,
  },
  { what: 'a dead letter is missing', items: without('3.1'), says: /does not tell of dead letter letter b/ },
  {
    what: 'a dead letter is told that is not there',
    items: changed('3.1', { deadLetter: 'x' }),
    says: /dead letter x, which is not there/,
  },
  {
    what: 'a dead letter is told twice',
    items: [...correct, item('9.0', 'gave-up', { deadLetter: 'letter b', attempts: 0 })],
    says: /tells twice of/,
  },
  {
    what: 'a dead letter has other attempts',
    items: changed('3.1', { attempts: 2 }),
    says: /given up after 2 attempts, and of 1 that failed/,
  },
  { what: 'a dead letter has another cause', items: changed('3.1', { causedBy: '2.0' }), says: /letter b came from 2\.0/ },
  {
    what: 'a dead letter is told as a gap',
    items: changed('3.1', { kind: 'gap-skipped' }),
    says: /tells gap-skipped of a dead letter of kind event/,
  },
  { what: 'the end of a dead letter is missing', items: without('4.0'), says: /does not tell what became of dead letter letter c/ },
  {
    what: 'another end of a dead letter is told',
    items: changed('4.0', { action: 'redrive' }),
    says: /letter c was redriven, which nobody did/,
  },
  {
    what: 'the end of a dead letter is told that is there',
    items: [...correct, item('9.0', 'discarded', { deadLetter: 'letter b' })],
    says: /letter b \(event\) was resolved, and it is there/,
  },
  {
    what: 'a call is told that nobody received',
    items: changed('6.0', { result: 'refused' }),
    says: /the last one refused, and 0 were so/,
  },
  { what: 'a call is missing', items: without('6.0'), says: /delivered, after a call that was not made/ },
  {
    what: 'something is told that nobody did',
    items: changed('8.0', { kind: 'delivery-withdrawn' }),
    says: /delivery-withdrawn, which nobody did/,
  },
  { what: 'an event is told to be ignored', items: changed('8.0', { kind: 'ignored' }), says: /tells that event d was ignored/ },
  { what: 'commits are out of order', items: swapped('6.0', '8.0'), says: /shows commit 7 after 6, which is older/ },
];

describe('the check of timelines', () => {
  test('finds nothing in a correct one', async () => {
    assert.deepEqual(await brokenOf(correct), []);
  });

  for (const { what, items, says } of breaks) {
    test(`finds that ${what}`, async () => {
      assert.match((await brokenOf(items)).join('\n'), says);
    });
  }

  test('finds that a page repeats the end of the page before, or leaves out its own beginning, or that there is no end', async () => {
    const repeating = (items: readonly ShownItem[], from: number, limit: number) => pageOf(items, Math.max(0, from - 1), limit + 1);
    assert.match((await brokenOf(correct, repeating)).join('\n'), /shows item 6\.0 twice/);
    const leaving = (items: readonly ShownItem[], from: number, limit: number) => pageOf(items, from === 0 ? 0 : from + 1, limit);
    assert.notDeepEqual(await brokenOf(correct, leaving), []);
    assert.match((await brokenOf(correct, () => ({ items: [], next: 0 }))).join('\n'), /does not end within 1000 pages/);
  });
});
