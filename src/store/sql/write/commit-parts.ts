import { createHash } from 'node:crypto';
import { reasonHash } from '../../reason-pattern.ts';
import type {
  CauseName,
  Commit,
  DeliveryName,
  DeliveryWrite,
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
import type { Flight } from '../connection/flight.ts';
import type { Changed, Leased, WriteStatements } from '../statements.ts';
import { type Column, type ColumnKind, column, type Of, partitionColumns } from './columns.ts';
import type { KnownLines, Line } from './line-floors.ts';
import { lastOfEach, segmentsOf } from './segments.ts';

/** An owner's work to commit. */
export interface Draft extends Leased {
  readonly commit: Commit;
}

/** Returns the items of one part of all commits, in order. */
export function partOf<T>(drafts: readonly Draft[], part: (commit: Commit) => readonly T[]): readonly Of<T>[] {
  return drafts.flatMap(({ partition, commit }) => part(commit).map((item) => ({ partition, item })));
}

/** Adds the parts of commits to a flight, each as few statements. */
export class CommitParts {
  readonly #flight: Flight;
  readonly #statements: WriteStatements;

  constructor(flight: Flight, statements: WriteStatements) {
    this.#flight = flight;
    this.#statements = statements;
  }

  /** The cursor is the highest one, so a lower one changes nothing. */
  addCursors(drafts: readonly Draft[]): void {
    const moved = drafts.filter(({ commit }) => commit.cursor > 0);
    if (moved.length === 0) return;
    const columns = [...partitionColumns(moved), column('cursor', 'int8', moved, ({ commit }) => commit.cursor)];
    this.#statements.addMissing(this.#flight, 'millrace_cursors', columns);
  }

  addHolds(all: readonly Of<Hold>[]): void {
    const holds = lastOfEach(all, ({ partition, item }) => nameOf(partition, item.key, item.order));
    if (holds.length === 0) return;
    this.#statements.addUpsert(this.#flight, {
      table: 'millrace_held',
      key: ['pipeline', 'slice', 'key', 'order'],
      columns: [
        ...partitionColumns(holds),
        column('key', 'text', holds, ({ item }) => item.key),
        column('order', 'int8', holds, ({ item }) => item.order),
        column('position', 'int8', holds, ({ item }) => item.position),
        column('attempts', 'int4', holds, ({ item }) => item.attempts),
        column('retry_at', 'int8', holds, ({ item }) => item.retryAt),
      ],
    });
  }

  addReleases(releases: readonly Of<Release>[]): void {
    if (releases.length === 0) return;
    this.#statements.addReleases(this.#flight, [
      ...partitionColumns(releases),
      column('key', 'text', releases, ({ item }) => item.key),
      column('from', 'int8', releases, ({ item }) => item.from),
      column('to', 'int8', releases, ({ item }) => item.to),
    ]);
  }

  /** An empty record is the same as none. */
  addKeys(all: readonly Of<KeyUpdate>[]): void {
    const last = lastOfEach(all, ({ partition, item }) => nameOf(partition, item.key));
    const isEmpty = ({ item: { state, next, parked } }: Of<KeyUpdate>) => state === null && next === null && !parked;
    const puts = last.filter((update) => !isEmpty(update));
    if (puts.length > 0) {
      this.#statements.addUpsert(this.#flight, {
        table: 'millrace_keys',
        key: keyNames,
        columns: [
          ...keyColumns(puts),
          column('state', 'text', puts, ({ item }) => item.state?.json ?? null),
          column('state_version', 'int8', puts, ({ item }) => item.state?.version ?? null),
          column('next', 'int8', puts, ({ item }) => item.next),
          column('parked', 'bool', puts, ({ item }) => item.parked),
          column('block', 'int8', puts, ({ item }) => item.block ?? null),
        ],
      });
    }
    const deletes = last.filter(isEmpty);
    if (deletes.length > 0) this.#statements.addRemoval(this.#flight, 'millrace_keys', keyColumns(deletes));
  }

  /** @param changed called with each partition in which a gap was added (1) or removed (−1) */
  addGaps(all: readonly Of<GapWrite>[], changed: Changed): void {
    const last = lastOfEach(all, ({ partition, item }) => nameOf(partition, item.key));
    const notes = last.flatMap(({ partition, item: { key, gap } }) => (gap === null ? [] : [{ partition, item: { key, ...gap } }]));
    if (notes.length > 0) {
      const columns = [
        ...keyColumns(notes),
        column('next', 'int8', notes, ({ item }) => item.next),
        column('first', 'int8', notes, ({ item }) => item.first),
        column('since', 'int8', notes, ({ item }) => item.since),
      ];
      this.#statements.addUpsert(this.#flight, { table: 'millrace_gaps', key: keyNames, columns }, changed);
    }
    const forgotten = last.filter(({ item }) => item.gap === null);
    if (forgotten.length > 0) this.#statements.addRemoval(this.#flight, 'millrace_gaps', keyColumns(forgotten), changed);
  }

  /** Adds timers and outcomes. */
  addCauses(all: readonly Of<TimerWrite | OutcomeWrite>[]): void {
    const last = lastOfEach(all, ({ partition, item }) => nameOf(partition, ...causeNameOf(item)));
    const kept = last.flatMap(({ partition, item }) => (item.dueAt === null ? [] : [{ partition, item: item as StoredCause }]));
    if (kept.length > 0) {
      this.#statements.addUpsert(this.#flight, {
        table: 'millrace_causes',
        key: [...keyNames, 'name_hash'],
        columns: [
          ...keyColumns(kept),
          ...['kind', 'name', 'id'].map((name, at) => column(name, 'text', kept, ({ item }) => causeNameOf(item)[at + 1] ?? '')),
          column('name_hash', 'bytes', kept, ({ item }) => causeHashOf(item)),
          column('due_at', 'int8', kept, ({ item }) => item.dueAt),
          column('data', 'text', kept, ({ item }) => item.data),
          column('attempts', 'int4', kept, ({ item }) => item.attempts),
          column('retry_at', 'int8', kept, ({ item }) => item.retryAt),
        ],
        changed: ['due_at', 'data', 'attempts', 'retry_at'],
      });
    }
    const gone = last.filter(({ item }) => item.dueAt === null);
    if (gone.length > 0) {
      const columns = [...keyColumns(gone), column('name_hash', 'bytes', gone, ({ item }) => causeHashOf(item))];
      this.#statements.addRemoval(this.#flight, 'millrace_causes', columns);
    }
  }

  /**
   * The ordered deliveries of an endpoint and key form a line, by place, and each row says whether it waits: the first of a line does not,
   * all others do. So the index of due deliveries never leads past a waiting one, and a write touches few rows however long the line is.
   * Unordered ones are in no line.
   *
   * @param changed called with each partition in which a delivery was added (1) or removed (−1)
   */
  addDeliveries(all: readonly Of<DeliveryWrite>[], changed: Changed, known: KnownLines): void {
    const entered = new Set<string>();
    const lineOf = ({ partition, endpoint, key }: Line) => nameOf(partition, endpoint, key);
    // An existing one may have entered a line below its floor.
    const floorOf = (line: Line) => (entered.has(lineOf(line)) ? 0 : known.floorOf(line));
    for (const segment of segmentsOf(all, ({ partition, item }) => deliveryName(partition, item))) {
      this.#addDeliveries(segment, changed, { ...known, floorOf });
      for (const { partition, item } of segment) if (item.write === 'ask') entered.add(lineOf({ partition, ...item.delivery }));
    }
    this.#addLineUp(all, known);
  }

  #addDeliveries(segment: readonly Of<DeliveryWrite>[], changed: Changed, known: KnownLines): void {
    const removed = segment.flatMap(({ partition, item }) => (item.write === 'remove' ? [{ partition, item }] : []));
    if (removed.length > 0) this.#statements.addRemoval(this.#flight, 'millrace_deliveries', deliveryColumns(removed), changed);
    const retried = segment.flatMap(({ partition, item }) => (item.write === 'retry' ? [{ partition, item }] : []));
    if (retried.length > 0) {
      this.#statements.addRetries(this.#flight, [
        ...deliveryColumns(retried),
        column('attempts', 'int4', retried, ({ item }) => item.attempts),
        column('due_at', 'int8', retried, ({ item }) => item.dueAt),
        column('pause', 'int8', retried, ({ item }) => item.pauseMs),
        column('failure', 'text', retried, ({ item }) => item.failure?.reason ?? null),
        column('failed_at', 'int8', retried, ({ item }) => item.failure?.at ?? null),
      ]);
    }
    const asked = segment.flatMap(({ partition, item }) =>
      'delivery' in item ? [{ partition, item: { ...item.delivery, isAsked: item.write === 'ask' } }] : [],
    );
    if (asked.length === 0) return;
    const columns = [
      ...deliveryColumns(asked),
      column('id', 'text', asked, ({ item }) => item.id),
      column('flow', 'text', asked, ({ item }) => item.flow),
      column('ordered', 'bool', asked, ({ item }) => item.ordered),
      column('attempts', 'int4', asked, ({ item }) => item.attempts),
      column('due_at', 'int8', asked, ({ item }) => item.dueAt),
      column('asked_at', 'int8', asked, ({ item }) => item.askedAt),
      column('url', 'text', asked, ({ item }) => item.url),
      column('traceparent', 'text', asked, ({ item }) => item.traceparent),
      column('body', 'text', asked, ({ item }) => item.body),
      column('is_asked', 'bool', asked, ({ item }) => item.isAsked),
    ];
    this.#statements.addAsks(this.#flight, columns, changed, known);
  }

  /** For lines that a delivery has left or entered. */
  #addLineUp(all: readonly Of<DeliveryWrite>[], known: KnownLines): void {
    const touched = all.flatMap(({ partition, item }) => {
      if (item.write === 'retry' || item.write === 'restore') return [];
      const { endpoint, key, id } = 'delivery' in item ? item.delivery : item;
      return [{ partition, item: { endpoint, key, id } }];
    });
    if (touched.length === 0) return;
    const names = lastOfEach(touched, ({ partition, item }) => nameOf(partition, item.endpoint, item.key, item.id));
    this.#statements.addLineUp(this.#flight, deliveryColumns(names), known);
  }

  addDeadLetters(letters: readonly Of<NewDeadLetter>[]): void {
    if (letters.length === 0) return;
    const failures = letters.map(({ item }) => toFailureRow(item));
    this.#statements.addInsert(this.#flight, 'millrace_dead_letters', [
      ...partitionColumns(letters),
      column('id', 'text', letters, ({ item }) => item.id),
      column('key', 'text', letters, ({ item }) => item.key),
      column('reason', 'text', letters, ({ item }) => item.reason),
      column('stack', 'text', letters, ({ item }) => item.stack),
      column('failed_at', 'int8', letters, ({ item }) => item.failedAt),
      column('attempts', 'int4', letters, ({ item }) => item.attempts),
      ...failureColumns.map(([name, kind], at) => column(name, kind, failures, (row) => row[at] ?? null)),
      column('kind', 'text', letters, ({ item }) => item.kind),
      column('reason_hash', 'text', letters, ({ item }) => reasonHash(item.reason)),
      column('resolved', 'bool', letters, () => false),
    ]);
  }
}

const keyNames = ['pipeline', 'slice', 'key'];

/** In the order of `FailureRow`. */
const failureColumns: readonly (readonly [name: string, kind: ColumnKind])[] = [
  ['position', 'int8'],
  ['order', 'int8'],
  ['number_from', 'int8'],
  ['number_to', 'int8'],
  ['parked', 'int8'],
  ['timer_name', 'text'],
  ['timer_due_at', 'int8'],
  ['timer_data', 'text'],
  ['outcome', 'text'],
  ['delivery', 'text'],
  ['origin', 'text'],
];

function keyColumns(items: readonly Of<{ readonly key: string }>[]): readonly Column[] {
  return [...partitionColumns(items), column('key', 'text', items, ({ item }) => item.key)];
}

function deliveryColumns(items: readonly Of<DeliveryName>[]): readonly Column[] {
  return [
    ...partitionColumns(items),
    column('endpoint', 'text', items, ({ item }) => item.endpoint),
    column('key', 'text', items, ({ item }) => item.key),
    column('id_hash', 'bytes', items, ({ item }) => hashOf(item.id)),
  ];
}

function deliveryName(partition: PartitionId, write: DeliveryWrite): string {
  const { endpoint, key, id } = 'delivery' in write ? write.delivery : write;
  return nameOf(partition, endpoint, key, id);
}

/** Returns the columns in `causes`: a timer's name and no id, or an outcome's endpoint and the id of its delivery. */
export function causeNameOf(cause: CauseName): readonly [key: string, kind: string, name: string, id: string] {
  return cause.kind === 'timer' ? [cause.key, 'timer', cause.name, ''] : [cause.key, 'outcome', cause.endpoint, cause.id];
}

function causeHashOf(cause: CauseName): Buffer {
  return hashOf(JSON.stringify(causeNameOf(cause)));
}

/** Returns a short hash that represents a name in an index. */
export function hashOf(name: string): Buffer {
  return createHash('sha256').update(name).digest();
}

function nameOf({ pipeline, slice }: PartitionId, ...parts: readonly (string | number)[]): string {
  return JSON.stringify([pipeline, slice, ...parts]);
}
