import { patternOf } from '../reason-pattern.ts';
import type { DeadLetterGroup, DeadLetterGroupQuery, DeadLetterKind } from '../store.ts';
import { conditionsOf, type LettersDialect } from './dead-letter-rows.ts';

/** A group as {@link groupsStatement} selects it, with the reason of its last letter. */
export type GroupRow = readonly [
  pipeline: string,
  kind: string | null,
  hash: string | null,
  count: number,
  first: number,
  last: number,
  reason: string,
];

/** The number of letters of a group that failed in a minute, counted from the first. */
export type ArrivalRow = readonly [pipeline: string, kind: string | null, hash: string | null, minute: number, count: number];

/** Selects the largest groups from an index alone, and then one reason of each. */
export function groupsStatement({ pipeline, kind, limit }: DeadLetterGroupQuery, dialect: LettersDialect) {
  const { conditions, values } = conditionsOf({ pipeline, kind }, dialect);
  return {
    text: `SELECT pipeline, kind, reason_hash, letters, first_at, last_at,
        (SELECT reason FROM millrace_dead_letters AS letter WHERE letter.id = alike.last_id)
      FROM (
        SELECT pipeline, kind, reason_hash, count(*) AS letters, min(failed_at) AS first_at, max(failed_at) AS last_at, max(id) AS last_id
        FROM millrace_dead_letters WHERE ${conditions} GROUP BY pipeline, kind, reason_hash
        ORDER BY count(*) DESC, pipeline, kind, reason_hash LIMIT ${dialect.parameter(values.length + 1)}
      ) AS alike`,
    values: [...values, limit],
  };
}

/** Counts letters by the minute of failure, since a moment. */
export function arrivalsStatement({ pipeline, kind, since }: DeadLetterGroupQuery, dialect: LettersDialect) {
  const { conditions, values } = conditionsOf({ pipeline, kind, from: since }, dialect);
  const after = `failed_at - ${since}`;
  return {
    text: `SELECT pipeline, kind, reason_hash, minute, count(*) FROM (
        SELECT pipeline, kind, reason_hash, (${after} - (${after}) % 60000) / 60000 AS minute FROM millrace_dead_letters WHERE ${conditions}
      ) AS arrived GROUP BY pipeline, kind, reason_hash, minute`,
    values,
  };
}

/** Combines the results of both statements into groups, largest first. */
export function toGroups(groups: readonly GroupRow[], arrivals: readonly ArrivalRow[]): readonly DeadLetterGroup[] {
  const minutes = Map.groupBy(arrivals, ([pipeline, kind, hash]) => nameOf(pipeline, kind, hash));
  return groups
    .map(([pipeline, kind, hash, count, first, last, reason]) => ({
      pipeline: String(pipeline),
      // A process of an earlier version does not set it.
      kind: String(kind ?? 'event') as DeadLetterKind,
      reason: patternOf(String(reason)),
      count: Number(count),
      first: Number(first),
      last: Number(last),
      arrivals: new Map((minutes.get(nameOf(pipeline, kind, hash)) ?? []).map(([, , , minute, many]) => [Number(minute), Number(many)])),
    }))
    .sort(compareGroups);
}

/** Orders the largest first, then by pipeline, kind and reason. */
export function compareGroups(a: GroupPlace, b: GroupPlace): number {
  return b.count - a.count || compare(a.pipeline, b.pipeline) || compare(a.kind, b.kind) || compare(a.reason, b.reason);
}

/** The place of a group in their list. */
export type GroupPlace = Pick<DeadLetterGroup, 'count' | 'pipeline' | 'kind' | 'reason'>;

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function nameOf(...parts: readonly unknown[]): string {
  return JSON.stringify(parts.map(String));
}
