import type { Store } from '../../src/store/store.ts';
import type { Ingest, Ledger, Witness } from '../ledger.ts';
import { withStore } from './declaration.ts';
import { type Examination, examine, examineWitnessed } from './examine.ts';
import { goOn } from './go-on.ts';

export interface CutExamination extends Examination {
  /** The database as the server left it, and the one whose log was cut. */
  readonly whole: string;
  readonly cut: string;
  /** For an engine whose calls are not counted. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface CutOutcome {
  /** Number of acknowledged events lost. */
  readonly lost: number;
  readonly broken: readonly string[];
}

/** The names of the events in each pipeline's log, in order. */
type Logs = ReadonlyMap<string, readonly string[]>;

/**
 * Checks that the state after a power cut matches an earlier moment: it opens, every promise holds except the durability of the latest
 * events, and each log is the beginning of the original. Then an engine continues with it, and once everything has been ingested again,
 * everything must be as expected.
 */
export async function examineCut(examination: CutExamination): Promise<CutOutcome> {
  const { whole, cut, page, loads, environment } = examination;
  const { ledger } = page;
  const before = await withStore(whole, (store) => logsOf(store, loads.witnesses));
  // The turns may have made calls that are no longer requested.
  const witnesses = ledger.witnesses.map((witness) => ({ ...witness, endpoints: [] }));
  const forgetful: Ledger = { ...ledger, witnesses, ingests: ledger.ingests.map(forgotten), calls: [] };
  const [after, broken] = await withStore(cut, async (store) => {
    const faults = await examine(store, { ...examination, page: { ...page, ledger: forgetful }, isCut: true });
    return [await logsOf(store, loads.witnesses), faults];
  });
  const lost = lostOf(ledger, after);
  const went = await goOn(cut, { plan: page.plan, environment });
  const complete = { ...page, ledger: { ...forgetful, ingests: [...forgetful.ingests, ...went.ingests] } };
  const afterwards = await withStore(cut, (store) =>
    examineWitnessed(store, { page: complete, loads, settledAt: Date.now(), isCut: true }),
  );
  return {
    lost: lost.length,
    broken: [...broken, ...prefixFaults(before, after), ...suffixFaults(lost, ledger, after), ...went.broken, ...afterwards],
  };
}

/** Acknowledged events may be lost, so nothing is known about them; refused ones stay refused. */
function forgotten(ingest: Ingest): Ingest {
  return ingest.answer === 'refused' ? ingest : { ...ingest, answer: 'unknown' };
}

async function logsOf(store: Store, witnesses: readonly Witness[]): Promise<Logs> {
  const logs = new Map<string, readonly string[]>();
  for (const witness of witnesses) {
    const log = await store.read({ pipeline: witness.pipeline, slice: 0 }, 0, Number.MAX_SAFE_INTEGER);
    logs.set(
      witness.pipeline,
      log.map((event) => titleOf({ key: event.key, name: witness.nameOf(event) })),
    );
  }
  return logs;
}

function titleOf({ key, name }: Pick<Ingest, 'key' | 'name'>): string {
  return JSON.stringify([key, name]);
}

function prefixFaults(before: Logs, after: Logs): readonly string[] {
  return Array.from(after).flatMap(([pipeline, log]) => {
    const at = log.findIndex((title, index) => title !== before.get(pipeline)?.[index]);
    return at === -1 ? [] : [`${pipeline}: after the cut ${log[at]} is at position ${at + 1}, which was ${before.get(pipeline)?.[at]}`];
  });
}

function lostOf({ ingests }: Ledger, after: Logs): readonly Ingest[] {
  const kept = new Map(Array.from(after, ([pipeline, log]) => [pipeline, new Set(log)]));
  return ingests.filter((ingest) => ingest.answer === 'accepted' && kept.get(ingest.pipeline)?.has(titleOf(ingest)) === false);
}

/** Checks that no pipeline kept an event that was sent only after a lost one was acknowledged. */
function suffixFaults(lost: readonly Ingest[], { ingests }: Ledger, after: Logs): readonly string[] {
  const first = lost.reduce<Ingest | undefined>(
    (least, ingest) => (least === undefined || ingest.ended < least.ended ? ingest : least),
    undefined,
  );
  if (first === undefined) return [];
  const began = new Map<string, number>();
  for (const ingest of ingests) {
    const name = `${ingest.pipeline} ${titleOf(ingest)}`;
    began.set(name, Math.min(began.get(name) ?? Number.POSITIVE_INFINITY, ingest.began));
  }
  const names = Array.from(after, ([pipeline, log]) => log.map((title) => `${pipeline} ${title}`)).flat();
  const later = names.filter((name) => (began.get(name) ?? 0) > first.ended);
  return later
    .slice(0, 3)
    .map((name) => `after the cut ${name} is present, but the previously acknowledged ${first.pipeline} ${titleOf(first)} is not`);
}
