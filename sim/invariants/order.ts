import { lettersOf } from '../../src/store/letters-of.ts';
import type { AppliedTurn, Ledger } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';
import { titleOf } from './log.ts';

/**
 * Promise 3: within a key, events were applied in the order of the log, which is the order in which they were accepted;
 * or in the order of their numbers, with none left out except dead letters and discarded ones.
 */
export function checkOrder(evidence: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  const logged = new Map(evidence.events.map((event) => [titleOf(event), event]));
  // An event that was given up without parking its key has its turn whenever an operator redrives it.
  const redriven = new Set(
    ledger.resolved
      .filter(({ pipeline, what, wasParked }) => pipeline === evidence.witness.pipeline && what === 'event' && !wasParked)
      .map((resolved) => titleOf(resolved)),
  );
  for (const [key, turns] of evidence.turns) {
    const applied = eventsOf(turns, logged).filter((event) => !redriven.has(titleOf(event)));
    const place = evidence.witness.numbered ? ({ name }: NamedEvent) => Number(name) : ({ position }: NamedEvent) => position;
    for (const [at, event] of applied.entries()) {
      const before = applied[at - 1];
      if (before !== undefined && place(before) >= place(event)) say(`key ${key}: ${event.name} was applied after ${before.name}`);
    }
    if (evidence.witness.numbered) {
      const again = Array.from(redriven, (title) => JSON.parse(title)).flatMap(([of, name]) => (of === key ? [Number(name)] : []));
      const skipped = [...skippedOf(key, evidence, ledger), ...again];
      checkGaps(evidence, key, { applied: eventsOf(turns, logged), skipped, say });
    }
  }
  if (evidence.witness.numbered) checkLate(evidence, ledger, say);
  else checkAcceptance(evidence, ledger, { logged, say });
}

function eventsOf(turns: readonly AppliedTurn[], logged: ReadonlyMap<string, NamedEvent>): readonly NamedEvent[] {
  return turns.flatMap(({ key, cause }) => {
    const event = cause.kind === 'event' ? logged.get(titleOf({ key, name: cause.name })) : undefined;
    return event === undefined ? [] : [event];
  });
}

/** Returns the numbers of a key that were given up before they arrived. */
function skippedOf(key: string, { witness, letters }: Evidence, { resolved }: Ledger): readonly number[] {
  const listed = lettersOf('gap', letters).flatMap((letter) => (letter.key === key ? [letter.numbers] : []));
  const discarded = resolved
    .filter((one) => one.pipeline === witness.pipeline && one.key === key && one.what === 'gap')
    .map(({ name }) => ({ from: Number(name.split('-')[0]), to: Number(name.split('-')[1]) }));
  return [...listed, ...discarded].flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
}

/** Promise 10: only a skipped number is too late; any other known number is a duplicate. */
function checkLate(evidence: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  for (const { pipeline, key, name, answer } of ledger.ingests) {
    if (pipeline !== evidence.witness.pipeline || answer !== 'late') continue;
    if (!skippedOf(key, evidence, ledger).includes(Number(name))) say(`key ${key}: ${name} was reported late but never skipped`);
  }
}

/** Checks the numbers below the highest applied one: each was applied, or is known to have been given up, skipped or discarded. */
function checkGaps(
  { events, keys }: Evidence,
  key: string,
  { applied, skipped, say }: { readonly applied: readonly NamedEvent[]; readonly skipped: readonly number[]; say(broken: string): void },
): void {
  const highest = applied.reduce((most, { name }) => Math.max(most, Number(name)), 0);
  // `checkOnce` judges the events of the log that are neither applied nor dead.
  const settled = events.filter((event) => event.key === key && !event.isWaiting).map(({ name }) => Number(name));
  const seen = new Set([...settled, ...skipped]);
  for (let number = 1; number < highest; number += 1) {
    if (!seen.has(number)) say(`key ${key}: ${highest} was applied but the earlier ${number} was not`);
  }
  const next = keys.get(key)?.next ?? null;
  if (next !== null && next <= highest) say(`key ${key}: ${highest} was applied but ${next} would be next`);
}

/** Checks that an event accepted before another event of its key was sent precedes it in the log. */
function checkAcceptance(
  { witness, events }: Evidence,
  { ingests }: Ledger,
  { logged, say }: { readonly logged: ReadonlyMap<string, NamedEvent>; readonly say: (broken: string) => void },
): void {
  const accepted = ingests.filter(({ pipeline, answer }) => pipeline === witness.pipeline && answer === 'accepted');
  const byKey = Map.groupBy(accepted, ({ key }) => key);
  const known = new Set(events.map(({ key }) => key));
  for (const [key, own] of byKey) {
    if (!known.has(key)) continue;
    // The highest position among all events that had been answered when this one began must be lower than its own.
    const byEnd = own.toSorted((a, b) => a.ended - b.ended);
    let ended = 0;
    let highest = 0;
    for (const ingest of own.toSorted((a, b) => a.began - b.began)) {
      for (let earlier = byEnd[ended]; earlier !== undefined && earlier.ended < ingest.began; earlier = byEnd[ended]) {
        highest = Math.max(highest, logged.get(titleOf(earlier))?.position ?? 0);
        ended += 1;
      }
      const position = logged.get(titleOf(ingest))?.position;
      if (position !== undefined && position < highest) say(`key ${key}: ${ingest.name} precedes an event that was accepted earlier`);
    }
  }
}
