import { setTimeout as pause } from 'node:timers/promises';
import type { Query } from './database.ts';
import type { Member } from './member.ts';

/** Time without progress after which the rest counts as stuck, in milliseconds: a slow machine only takes longer. */
const patienceMs = 120_000;
const lookAgainMs = 500;

/** Selects the waiting items, by the thing they wait for. */
const waitingSql = (pipelines: readonly string[]) =>
  [
    ...['held', 'causes', 'deliveries', 'gaps'].map((table) => `SELECT '${table}' AS what, count(*) AS count FROM millrace_${table}`),
    ...pipelines.map(
      (name) => `SELECT 'events of ${name} beyond the cursor', coalesce(sum(greatest(0, last - settled)), 0) FROM (
      SELECT (SELECT coalesce(max(position), 0) FROM millrace_log_${name} AS log WHERE log.slice = head.slice) AS last,
        (SELECT coalesce(max("cursor"), 0) FROM millrace_cursors AS own WHERE own.pipeline = '${name}' AND own.slice = head.slice) AS settled
      FROM millrace_heads AS head WHERE head.pipeline = '${name}') AS slices`,
    ),
  ].join(' UNION ALL ');

/** Resolves once nothing waits any more in the pipelines. Returns the waiting items if they do not become fewer. */
export async function atRest(query: Query, pipelines: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const patience = new Patience();
  for (;;) {
    const waiting = (await query(waitingSql(pipelines))).filter(({ count }) => Number(count) > 0);
    if (waiting.length === 0 || signal.aborted) return [];
    if (patience.isOver(waiting.reduce((sum, { count }) => sum + Number(count), 0)))
      return waiting.map(({ what, count }) => `there are ${count} ${what}, and no fewer after ${patienceMs} ms`);
    await pause(lookAgainMs);
  }
}

/** Resolves once every member works on its share and reports so. Returns the ones that do not if they do not become fewer. */
export async function allAtWork(members: readonly Member[], pipelines: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const patience = new Patience();
  for (;;) {
    const faults = (await Promise.all(members.map((member) => faultsOf(member, members.length, pipelines.length)))).flat();
    if (faults.length === 0 || signal.aborted || patience.isOver(faults.length)) return faults;
    await pause(lookAgainMs);
  }
}

/** Waits for something to become less, for as long as it does. */
export class Patience {
  #least = Number.POSITIVE_INFINITY;
  #since = performance.now();

  /** Returns whether there has been no less for too long. @param left how much there is now */
  isOver(left: number): boolean {
    if (left < this.#least) [this.#least, this.#since] = [left, performance.now()];
    return performance.now() - this.#since > patienceMs;
  }
}

async function faultsOf({ name, connection }: Member, size: number, pipelines: number): Promise<readonly string[]> {
  const [health, fleet] = [await connection.get('/health'), await connection.get('/fleet')];
  if (health.kind !== 'answered' || fleet.kind !== 'answered') return [`${name} does not answer`];
  if (health.status !== 200) return [`${name} is not healthy: ${JSON.stringify(health.body)}`];
  const { members, unowned } = fleet.body as { members: readonly { partitions: number }[]; unowned: number };
  const shares = members.map(({ partitions }) => partitions);
  const isEven = members.length === size && unowned === 0 && Math.max(...shares) - Math.min(...shares) <= pipelines;
  return isEven ? [] : [`${name} reports shares of ${shares.join(', ')} partitions, and ${unowned} without an owner`];
}
