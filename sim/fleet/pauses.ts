import type { Query } from './database.ts';
import { type Fault, isProcessFault } from './faults.ts';
import type { Member } from './member.ts';

/** A fault as noted at its beginning; moments are milliseconds since 1970. */
export interface Noted {
  readonly fault: Fault;
  readonly at: number;
  /** The process; 0 for the database. */
  readonly pid: number;
  /** `pipeline slice` of the process's partitions at that time. */
  readonly partitions: readonly string[];
  /** The time at which the database accepted connections again or the process could work again; undefined before that. */
  backAt?: number;
}

/** A standstill of work because of a fault, in milliseconds. */
export interface Standstill {
  readonly fault: Fault;
  /** The time at which the fault began, in seconds after the first one. */
  readonly second: number;
  /** Number of partitions affected. */
  readonly partitions: number;
  /**
   * From the fault to the first turn of its keys elsewhere or in the restored process, or from the database's return to the first turn of
   * any key.
   */
  readonly firstMs: number | undefined;
  /** Time until every partition had had a turn. */
  readonly allMs: number | undefined;
  /** `pipeline slice` of the last one to have a turn. */
  readonly lastPartition: string | undefined;
}

/** Under load every partition has many turns a second; a gap longer than this is a standstill, in milliseconds. */
const stallMs = 30_000;

/** Describes the partitions that stood still after a fault. */
export function stalls(all: readonly Standstill[]): readonly string[] {
  const tooLong = all.filter(({ allMs = 0 }) => allMs > stallMs);
  return tooLong.map(
    ({ fault, second, allMs = 0, lastPartition }) =>
      `after ${fault}, ${second} s after the first one, ${lastPartition} had no turn for ${Math.round(allMs)} ms`,
  );
}

/** @param member the affected process, unless it is the database */
export async function note(query: Query, fault: Fault, member: Member): Promise<Noted> {
  if (!isProcessFault(fault)) return { fault, at: Date.now(), pid: 0, partitions: [] };
  const rows = await query(`SELECT fence.pipeline, fence.slice FROM millrace_fences AS fence
    JOIN millrace_processes AS process ON process.id = fence.owner WHERE process.pid = ${member.pid}`);
  return { fault, at: Date.now(), pid: member.pid, partitions: rows.map(({ pipeline, slice }) => `${pipeline} ${slice}`) };
}

/** Computes the standstill for each fault from the rows written by turns. */
export async function standstills(query: Query, faults: readonly Noted[]): Promise<readonly Standstill[]> {
  const keys = await query('SELECT pipeline, "key", slice FROM millrace_keys');
  const slices = new Map(keys.map(({ pipeline, key, slice }) => [`${pipeline} ${key}`, slice]));
  const turns = await query(`SELECT pipeline, "key", at, pid FROM happenings WHERE what = 'event' ORDER BY at`);
  const moments = turns.map(({ pipeline, key, at, pid }) => ({
    partition: `${pipeline} ${slices.get(`${pipeline} ${key}`)}`,
    at: Number(at),
    pid: Number(pid),
  }));
  const byPartition = Map.groupBy(moments, ({ partition }) => partition);
  return faults.map(({ fault, at, pid, partitions, backAt }) => {
    const from = isProcessFault(fault) ? at : (backAt ?? at);
    const isProgress = (turn: { readonly at: number; readonly pid: number }) =>
      turn.at > from && (turn.pid !== pid || turn.at > (backAt ?? Number.POSITIVE_INFINITY));
    const firsts = (isProcessFault(fault) ? partitions : Array.from(byPartition.keys())).flatMap((partition) => {
      const first = byPartition.get(partition)?.find(isProgress);
      return first === undefined ? [] : [{ partition, ms: first.at - from }];
    });
    const inOrder = firsts.toSorted((a, b) => a.ms - b.ms);
    return {
      fault,
      second: Math.round((at - (faults[0]?.at ?? at)) / 1_000),
      partitions: isProcessFault(fault) ? partitions.length : byPartition.size,
      firstMs: inOrder[0]?.ms,
      allMs: inOrder.at(-1)?.ms,
      lastPartition: inOrder.at(-1)?.partition,
    };
  });
}
