import { lettersOf } from '../../src/store/letters-of.ts';
import type { Inserted, Ledger } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';
import { titleOf } from './log.ts';

/**
 * Checks the claims of `docs/inbox.md` about rows that other programs insert: each committed row is in exactly one of the inbox, the log
 * and the dead letters; it is a dead letter only if the schema refuses it; and rows enter the log in the order of their commits if one was
 * inserted after the other had committed.
 */
export function checkInbox(evidence: Evidence, { inserted = [], resolved }: Ledger, say: (broken: string) => void): void {
  const { witness, events, letters } = evidence;
  const own = inserted.filter(({ pipeline }) => pipeline === witness.pipeline);
  const logged = new Map(events.map((event) => [titleOf(event), event]));
  const origins = lettersOf('origin', letters).map(({ origin }) => nameInRow(origin));
  const discarded = new Set(resolved.flatMap(({ what, how, name }) => (what === 'origin' && how === 'discarded' ? [name] : [])));
  for (const row of own) {
    const wrong = wrongOf(row, {
      inLog: logged.has(titleOf(row)),
      letters: origins.filter((name) => name === row.name).length,
      isDiscarded: discarded.has(row.name),
    });
    if (wrong !== undefined) say(`row ${row.name} of the inbox ${wrong}`);
  }
  checkRowOrder(own, logged, say);
}

/** The places of a row other than the inbox. */
interface Whereabouts {
  readonly inLog: boolean;
  readonly letters: number;
  /** True if an operator has tried to discard a dead letter of it. */
  readonly isDiscarded: boolean;
}

function wrongOf({ isWaiting, isRefused, ended }: Inserted, { inLog, letters, isDiscarded }: Whereabouts): string | undefined {
  const isCommitted = ended < Number.POSITIVE_INFINITY;
  const times = Number(isWaiting) + Number(inLog) + letters;
  if (!isCommitted) return times > 0 ? 'exists, but was never committed' : undefined;
  if (letters > 0 && !isRefused) return 'is a dead letter, but nothing refuses it';
  if (times > 1) return `is in several places: waiting ${isWaiting}, in the log ${inLog}, dead letters ${letters}`;
  return times === 0 && !(isRefused && isDiscarded) ? 'was committed but is lost' : undefined;
}

/** Counts rows that nothing refused. */
function checkRowOrder(own: readonly Inserted[], logged: ReadonlyMap<string, NamedEvent>, say: (broken: string) => void): void {
  const taken = own.filter(({ isRefused, isWaiting }) => !isRefused && !isWaiting);
  for (const later of taken) {
    const position = logged.get(titleOf(later))?.position ?? Number.POSITIVE_INFINITY;
    for (const earlier of taken) {
      if (earlier.key !== later.key || earlier.ended >= later.began) continue;
      const before = logged.get(titleOf(earlier))?.position ?? 0;
      if (before > position)
        say(`key ${later.key}: row ${later.name} of the inbox precedes ${earlier.name}, which had committed before it was inserted`);
    }
  }
}

/** Checks that no row waits once everything has come to rest. */
export function checkInboxAtRest({ witness }: Evidence, { inserted = [] }: Ledger, say: (broken: string) => void): void {
  for (const { pipeline, name, isWaiting, ended } of inserted) {
    if (pipeline !== witness.pipeline) continue;
    if (isWaiting || ended === Number.POSITIVE_INFINITY) say(`row ${name} still waits in the inbox`);
  }
}

function nameInRow(origin: string): string {
  return JSON.parse(JSON.parse(origin).event).mark;
}
