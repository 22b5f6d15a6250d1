import { createHash } from 'node:crypto';
import type {
  CauseName,
  Commit,
  GapWrite,
  Hold,
  KeyUpdate,
  NewDeadLetter,
  OutcomeWrite,
  PartitionId,
  Release,
  StoredCause,
  TimerWrite,
} from '../../store.ts';
import { toFailureRow } from '../../tables/dead-letter-columns.ts';
import { bigints, booleans, bytes, integers, texts } from '../connection/binary-arrays.ts';
import type { Flight } from '../connection/flight.ts';
import { among, byPrimaryKey, onRows } from '../connection/lookups.ts';
import type { Parameter, Statement } from '../connection/statement.ts';
import { lastOfEach } from './segments.ts';

/** What an owner commits. */
export interface Draft {
  readonly partition: PartitionId;
  readonly epoch: number;
  readonly commit: Commit;
}

/** An item of a part of a commit, and the partition that it is of. */
interface Of<T> {
  readonly partition: PartitionId;
  readonly item: T;
}

/** The items of one part of all commits, in their order. */
export function partOf<T>(drafts: readonly Draft[], part: (commit: Commit) => readonly T[]): readonly Of<T>[] {
  return drafts.flatMap(({ partition, commit }) => part(commit).map((item) => ({ partition, item })));
}

/** Raises an error unless every commit is under the latest lease of its partition, and keeps others from taking one over until the transaction ends. */
export function fence(drafts: readonly Pick<Draft, 'partition' | 'epoch'>[]): Statement {
  return {
    text: 'SELECT millrace_fence($1::text[], $2::int4[], $3::int8[])',
    values: [...partitionColumns(drafts), bigints(drafts.map(({ epoch }) => epoch))],
  };
}

/** The cursor is the highest there is, so one that is lower changes nothing. */
export function addCursors(flight: Flight, drafts: readonly Draft[]): void {
  const moved = drafts.filter(({ commit }) => commit.cursor > 0);
  if (moved.length === 0) return;
  flight.add({
    text: `INSERT INTO millrace_cursors (pipeline, slice, cursor) SELECT * FROM unnest($1::text[], $2::int4[], $3::int8[])
      ON CONFLICT DO NOTHING`,
    values: [...partitionColumns(moved), bigints(moved.map(({ commit }) => commit.cursor))],
  });
}

export function addHolds(flight: Flight, all: readonly Of<Hold>[]): void {
  const holds = lastOfEach(all, ({ partition, item }) => nameOf(partition, item.key, item.order));
  if (holds.length === 0) return;
  flight.add({
    text: `INSERT INTO millrace_held (pipeline, slice, key, "order", position, attempts, retry_at)
      SELECT * FROM unnest($1::text[], $2::int4[], $3::text[], $4::int8[], $5::int8[], $6::int4[], $7::int8[])
      ON CONFLICT (pipeline, slice, key, "order")
      DO UPDATE SET position = excluded.position, attempts = excluded.attempts, retry_at = excluded.retry_at`,
    values: [
      ...partitionColumns(holds),
      texts(holds.map(({ item }) => item.key)),
      bigints(holds.map(({ item }) => item.order)),
      bigints(holds.map(({ item }) => item.position)),
      integers(holds.map(({ item }) => item.attempts)),
      bigints(holds.map(({ item }) => item.retryAt)),
    ],
  });
}

export function addReleases(flight: Flight, releases: readonly Of<Release>[]): void {
  if (releases.length === 0) return;
  flight.add({
    text: released,
    values: [
      ...partitionColumns(releases),
      texts(releases.map(({ item }) => item.key)),
      bigints(releases.map(({ item }) => item.from)),
      bigints(releases.map(({ item }) => item.to)),
    ],
  });
}

const released = `DELETE FROM millrace_held WHERE ${onRows(
  'unnest($1::text[], $2::int4[], $3::text[], $4::int8[], $5::int8[]) AS release (pipeline, slice, key, "from", "to")',
  `SELECT ctid FROM millrace_held WHERE pipeline = release.pipeline AND slice = release.slice AND key = release.key
    AND "order" BETWEEN release."from" AND release."to" OFFSET 0`,
)}`;

const keysAsked = { from: 'unnest($1::text[], $2::int4[], $3::text[])', columns: ['pipeline', 'slice', 'key'] };

/** A record that says nothing is the same as none. */
export function addKeys(flight: Flight, all: readonly Of<KeyUpdate>[]): void {
  const last = lastOfEach(all, ({ partition, item }) => nameOf(partition, item.key));
  const isEmpty = ({ item: { state, next, parked } }: Of<KeyUpdate>) => state === null && next === null && !parked;
  const puts = last.filter((update) => !isEmpty(update));
  if (puts.length > 0) {
    flight.add({
      text: `INSERT INTO millrace_keys (pipeline, slice, key, state, state_version, next, parked)
        SELECT * FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::bool[])
        ON CONFLICT (pipeline, slice, key) DO UPDATE
        SET state = excluded.state, state_version = excluded.state_version, next = excluded.next, parked = excluded.parked`,
      values: [
        ...partitionColumns(puts),
        texts(puts.map(({ item }) => item.key)),
        texts(puts.map(({ item }) => item.state?.json ?? null)),
        bigints(puts.map(({ item }) => item.state?.version ?? null)),
        bigints(puts.map(({ item }) => item.next)),
        booleans(puts.map(({ item }) => item.parked)),
      ],
    });
  }
  const deletes = last.filter(isEmpty);
  if (deletes.length > 0) {
    flight.add({
      text: `DELETE FROM millrace_keys WHERE ${among('millrace_keys', keysAsked)}`,
      values: [...partitionColumns(deletes), texts(deletes.map(({ item }) => item.key))],
    });
  }
}

/**
 * A row that an upsert made anew has no `xmax`; one that it changed has the transaction that locked it.
 *
 * @param changed called with each partition in which a gap was added (1) or has gone (−1)
 */
export function addGaps(flight: Flight, all: readonly Of<GapWrite>[], changed: (partition: PartitionId, by: number) => void): void {
  const last = lastOfEach(all, ({ partition, item }) => nameOf(partition, item.key));
  const notes = last.flatMap(({ partition, item: { key, gap } }) => (gap === null ? [] : [{ partition, key, gap }]));
  if (notes.length > 0) {
    flight.add(
      {
        text: `INSERT INTO millrace_gaps (pipeline, slice, key, next, "first", since)
          SELECT * FROM unnest($1::text[], $2::int4[], $3::text[], $4::int8[], $5::int8[], $6::int8[])
          ON CONFLICT (pipeline, slice, key) DO UPDATE SET next = excluded.next, "first" = excluded."first", since = excluded.since
          RETURNING pipeline, slice, (xmax = 0) AS is_new`,
        values: [
          ...partitionColumns(notes),
          texts(notes.map(({ key }) => key)),
          bigints(notes.map(({ gap }) => gap.next)),
          bigints(notes.map(({ gap }) => gap.first)),
          bigints(notes.map(({ gap }) => gap.since)),
        ],
      },
      ({ rows }) => {
        for (const [pipeline, slice, isNew] of rows) changed({ pipeline: String(pipeline), slice: Number(slice) }, Number(isNew));
      },
    );
  }
  const forgotten = last.filter(({ item }) => item.gap === null);
  if (forgotten.length > 0) {
    flight.add(
      {
        text: `DELETE FROM millrace_gaps WHERE ${among('millrace_gaps', keysAsked)} RETURNING pipeline, slice`,
        values: [...partitionColumns(forgotten), texts(forgotten.map(({ item }) => item.key))],
      },
      ({ rows }) => {
        for (const [pipeline, slice] of rows) changed({ pipeline: String(pipeline), slice: Number(slice) }, -1);
      },
    );
  }
}

const goneCauses = onRows(
  'unnest($1::text[], $2::int4[], $3::text[], $4::bytea[]) AS asked (pipeline, slice, key, name_hash)',
  byPrimaryKey('millrace_causes', ['pipeline', 'slice', 'key', 'name_hash']),
);

/** Timers and outcomes. */
export function addCauses(flight: Flight, all: readonly Of<TimerWrite | OutcomeWrite>[]): void {
  const last = lastOfEach(all, ({ partition, item }) => nameOf(partition, ...causeNameOf(item)));
  const kept = last.flatMap(({ partition, item }) => (item.dueAt === null ? [] : [{ partition, cause: item as StoredCause }]));
  if (kept.length > 0) {
    flight.add({
      text: `INSERT INTO millrace_causes (pipeline, slice, key, kind, name, id, name_hash, due_at, data, attempts, retry_at)
        SELECT * FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::int8[], $9::text[],
          $10::int4[], $11::int8[])
        ON CONFLICT (pipeline, slice, key, name_hash) DO UPDATE
        SET due_at = excluded.due_at, data = excluded.data, attempts = excluded.attempts, retry_at = excluded.retry_at`,
      values: [
        ...partitionColumns(kept),
        ...[0, 1, 2, 3].map((at) => texts(kept.map(({ cause }) => causeNameOf(cause)[at] ?? ''))),
        bytes(kept.map(({ cause }) => causeHashOf(cause))),
        bigints(kept.map(({ cause }) => cause.dueAt)),
        texts(kept.map(({ cause }) => cause.data)),
        integers(kept.map(({ cause }) => cause.attempts)),
        bigints(kept.map(({ cause }) => cause.retryAt)),
      ],
    });
  }
  const gone = last.filter(({ item }) => item.dueAt === null);
  if (gone.length > 0) {
    flight.add({
      text: `DELETE FROM millrace_causes WHERE ${goneCauses}`,
      values: [...partitionColumns(gone), texts(gone.map(({ item }) => item.key)), bytes(gone.map(({ item }) => causeHashOf(item)))],
    });
  }
}

/** As `causes` keeps it: a timer by its name and without an id, an outcome by its endpoint and the id of the delivery. */
export function causeNameOf(cause: CauseName): readonly [key: string, kind: string, name: string, id: string] {
  return cause.kind === 'timer' ? [cause.key, 'timer', cause.name, ''] : [cause.key, 'outcome', cause.endpoint, cause.id];
}

function causeHashOf(cause: CauseName): Buffer {
  return hashOf(JSON.stringify(causeNameOf(cause)));
}

export function addDeadLetters(flight: Flight, letters: readonly Of<NewDeadLetter>[]): void {
  if (letters.length === 0) return;
  const failures = letters.map(({ item }) => toFailureRow(item));
  const numbersAt = (at: number) => bigints(failures.map((row) => row[at] as number | null));
  const textsAt = (at: number) => texts(failures.map((row) => row[at] as string | null));
  flight.add({
    text: `INSERT INTO millrace_dead_letters (pipeline, slice, id, key, reason, stack, failed_at, attempts, position, "order", number_from,
        number_to, parked, timer_name, timer_due_at, timer_data, outcome, delivery, origin, resolved)
      SELECT *, false FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::int4[], $9::int8[],
        $10::int8[], $11::int8[], $12::int8[], $13::int8[], $14::text[], $15::int8[], $16::text[], $17::text[], $18::text[], $19::text[])`,
    values: [
      ...partitionColumns(letters),
      texts(letters.map(({ item }) => item.id)),
      texts(letters.map(({ item }) => item.key)),
      texts(letters.map(({ item }) => item.reason)),
      texts(letters.map(({ item }) => item.stack)),
      bigints(letters.map(({ item }) => item.failedAt)),
      integers(letters.map(({ item }) => item.attempts)),
      ...[0, 1, 2, 3, 4].map(numbersAt),
      textsAt(5),
      numbersAt(6),
      ...[7, 8, 9, 10].map(textsAt),
    ],
  });
}

/** A gap is listed no more, but its numbers stay known as skipped. */
export function addResolutions(flight: Flight, ids: readonly string[]): void {
  if (ids.length === 0) return;
  const values = [texts(ids)];
  flight.add({ text: 'DELETE FROM millrace_dead_letters WHERE id = ANY ($1::text[]) AND number_from IS NULL', values });
  flight.add({ text: 'UPDATE millrace_dead_letters SET resolved = true WHERE id = ANY ($1::text[]) AND NOT resolved', values });
}

/** What stands for a name in an index, whose entries are short. */
export function hashOf(name: string): Buffer {
  return createHash('sha256').update(name).digest();
}

/** The first two parameters of every statement. */
export function partitionColumns(items: readonly { readonly partition: PartitionId }[]): readonly Parameter[] {
  return [texts(items.map(({ partition }) => partition.pipeline)), integers(items.map(({ partition }) => partition.slice))];
}

export function nameOf({ pipeline, slice }: PartitionId, ...parts: readonly (string | number)[]): string {
  return JSON.stringify([pipeline, slice, ...parts]);
}
