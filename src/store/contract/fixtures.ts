import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQueryId, RawNode, ValueNode } from 'kysely';
import { type ErrorCode, MillraceError } from '../../errors.ts';
import { type FoundValue, table } from '../../pipeline/table.ts';
import type {
  Commit,
  Committed,
  DeadLetterKind,
  DeliveryWrite,
  Lease,
  LoggedEvent,
  NewDeadLetter,
  NewEvent,
  OutcomeWrite,
  PartitionId,
  ReadBounds,
  RowWrite,
  Store,
  StoreDeclaration,
  StoredCause,
  StoredDelivery,
  StoredOutcome,
  StoredTimer,
  TimerWrite,
} from '../store.ts';

/** Provides the store under test. */
export interface StoreHarness {
  /** Creates an empty database for one test. */
  create(): Promise<ContractDatabase>;
  /** True if a `real` column can hold an infinity, the default. A store whose database has none refuses one: `MILL_COMMIT_REFUSED`. */
  readonly hasInfinity?: boolean;
}

export interface ContractDatabase {
  /** Opens the database; also again after the store was closed, or after an opening was refused. */
  open(declaration: StoreDeclaration): Promise<Store>;
  /** Runs SQL on the open database as another program would; absent for a store that no other program can write to, which has no inbox. */
  write?(sql: string): Promise<void>;
  /** Closes the store if it is open, and removes the database. */
  dispose(): Promise<void>;
}

/**
 * The subject of a test. Each partition is the last slice of its pipeline, so that a store with many slices proves that it distinguishes
 * them.
 */
export interface Subject {
  readonly store: Store;
  /** A partition of a pipeline without numbers. */
  readonly visits: PartitionId;
  /** A partition of another one without numbers. */
  readonly orders: PartitionId;
  /** A partition of a numbered pipeline. */
  readonly rockets: PartitionId;
  /** Runs SQL as another program would; undefined for a store without an inbox. */
  readonly write: ((sql: string) => Promise<void>) | undefined;
  /** True if a `real` column can hold an infinity. */
  readonly hasInfinity: boolean;
  /** Closes the store and reopens the same database, with another declaration if given. */
  reopen(declaration?: StoreDeclaration): Promise<Store>;
}

/** Declares a test on a fresh, open database. */
export type StoreTest = (sentence: string, body: (subject: Subject) => Promise<void>) => void;

export const accounts = table(
  'accounts',
  { id: 'text', version: 'integer', balance: 'real?', active: 'boolean?', payload: 'json?' },
  { primaryKey: ['id'], indexes: [['version']] },
);
const history = table('history', { what: 'text' });
/** Only its key, named with reserved SQL words. */
const pairs = table('pairs', { order: 'text', group: 'text' }, { primaryKey: ['order', 'group'], indexes: [['group']] });

/** A key of two columns, one named with a reserved SQL word. */
const seats = table('seats', { group: 'text', number: 'integer', state: 'text' }, { primaryKey: ['group', 'number'] });

export const declaration: StoreDeclaration = {
  pipelines: [
    { name: 'visits', numbered: false },
    { name: 'orders', numbered: false },
    { name: 'rockets', numbered: true },
  ],
  tables: [accounts, history, pairs, seats],
};

export function storeTest(harness: StoreHarness): StoreTest {
  return (sentence, body) => {
    test(sentence, async () => {
      const database = await harness.create();
      try {
        const store = await database.open(declaration);
        const last = (pipeline: string): PartitionId => ({ pipeline, slice: store.partitions - 1 });
        await body({
          store,
          visits: last('visits'),
          orders: last('orders'),
          rockets: last('rockets'),
          write: database.write?.bind(database),
          hasInfinity: harness.hasInfinity ?? true,
          async reopen(other = declaration) {
            await store.close();
            return database.open(other);
          },
        });
      } finally {
        await database.dispose();
      }
    });
  };
}

/** The default moment of every event. */
export const acceptedAt = 1_750_000_000_000;

/** An event of an unnumbered pipeline; its id is generated unless `more` says otherwise. */
export function event(partition: PartitionId, key: string, more: Partial<NewEvent> = {}): NewEvent {
  return {
    partition,
    key,
    id: `id of ${key}`,
    knownSince: null,
    number: null,
    acceptedAt,
    body: '{}',
    traceparent: null,
    origin: null,
    ...more,
  };
}

/** An event with a chosen id, remembered for ever. */
export function chosen(partition: PartitionId, key: string, id: string, more: Partial<NewEvent> = {}): NewEvent {
  return event(partition, key, { id, knownSince: 0, ...more });
}

export function numbered(partition: PartitionId, key: string, number: number, more: Partial<NewEvent> = {}): NewEvent {
  return event(partition, key, { id: `${key}-${number}`, number, ...more });
}

/** The event as the log returns it. */
export function logged({ key, id, number, acceptedAt, body, traceparent, origin }: NewEvent, position: number): LoggedEvent {
  return { position, key, id, number, acceptedAt, body, traceparent, origin };
}

/** A new dead letter of one kind. */
type NewDeadLetterOf<Kind extends DeadLetterKind> = Extract<NewDeadLetter, { readonly kind: Kind }>;

/** A letter about an event at a position, which is also its order unless `more` says otherwise. */
export function letter(id: string, key: string, position: number, more: Partial<NewDeadLetterOf<'event'>> = {}): NewDeadLetterOf<'event'> {
  return { kind: 'event', ...failed(id, key), event: { position, order: position }, parked: false, ...more };
}

/** A letter about a timer. */
export function timerLetter(id: string, key: string, timer: NewDeadLetterOf<'timer'>['timer']): NewDeadLetterOf<'timer'> {
  return { kind: 'timer', ...failed(id, key), timer };
}

/** A letter about an outcome. */
export function outcomeLetter(id: string, key: string, outcome: NewDeadLetterOf<'outcome'>['outcome']): NewDeadLetterOf<'outcome'> {
  return { kind: 'outcome', ...failed(id, key), outcome };
}

/** A letter about a delivery. */
export function deliveryLetter(id: string, { key, ...given }: StoredDelivery): NewDeadLetterOf<'delivery'> {
  const { flow: _flow, attempts: _attempts, dueAt: _dueAt, ...failure } = given;
  return { kind: 'delivery', ...failed(id, key), delivery: failure };
}

/** A letter about numbers that never came. */
export function gap(id: string, key: string, from: number, to: number): NewDeadLetterOf<'gap'> {
  return { kind: 'gap', ...failed(id, key), numbers: { from, to }, attempts: 0, reason: 'the numbers did not arrive' };
}

/** A letter about an origin that yielded no event. */
export function originLetter(id: string, key: string, origin: string): NewDeadLetterOf<'origin'> {
  return { kind: 'origin', ...failed(id, key), origin, attempts: 0 };
}

/** A letter about a broker's record that yielded no event. */
export function rejectedLetter(id: string, key: string, record: string): NewDeadLetterOf<'rejected'> {
  return { kind: 'rejected', ...failed(id, key), record, attempts: 0 };
}

function failed(id: string, key: string) {
  return { id, key, reason: 'it failed', stack: null, failedAt: acceptedAt + 1, attempts: 3 };
}

/** A timer, as it is set and read. */
export function timer(key: string, name: string, dueAt: number, data: string | null = null): StoredTimer {
  return { kind: 'timer', key, name, dueAt, data, attempts: 0, retryAt: null };
}

export function disarm(key: string, name: string): TimerWrite {
  return { kind: 'timer', key, name, dueAt: null };
}

/** The outcome of a delivery to the endpoint `mail`, unless `more` says otherwise. */
export function outcome(key: string, id: string, dueAt: number, more: Partial<StoredOutcome> = {}): StoredOutcome {
  return { kind: 'outcome', key, endpoint: 'mail', id, dueAt, data: '{}', attempts: 0, retryAt: null, ...more };
}

/** Removes an outcome once its key has been notified of it. */
export function told(key: string, id: string): OutcomeWrite {
  return { kind: 'outcome', key, endpoint: 'mail', id, dueAt: null };
}

/** Returns the distinguishing name of each timer and outcome. */
export function causeNames(causes: readonly StoredCause[]): string[] {
  return causes.map((cause) => (cause.kind === 'timer' ? cause.name : `${cause.endpoint}/${cause.id}`));
}

/** A delivery to the endpoint `mail`, in the order of its key, and due at 10, unless `more` says otherwise. */
export function delivery(id: string, key: string, more: Partial<StoredDelivery> = {}): StoredDelivery {
  const facts = { endpoint: 'mail', flow: `key ${key}`, body: '{}', url: null, ordered: true, askedAt: acceptedAt, traceparent: null };
  return { id, key, ...facts, attempts: 0, dueAt: 10, ...more };
}

export function ask(...deliveries: readonly StoredDelivery[]): DeliveryWrite[] {
  return deliveries.map((delivery) => ({ write: 'ask', delivery }));
}

/** Removes deliveries of a key to `mail`. */
export function remove(key: string, ...ids: readonly string[]): DeliveryWrite[] {
  return ids.map((id) => ({ write: 'remove', endpoint: 'mail', key, id }));
}

export function put(table: string, ...rows: RowWrite['rows']): RowWrite {
  return { table, write: 'put', rows };
}

export function add(table: string, ...rows: RowWrite['rows']): RowWrite {
  return { table, write: 'add', rows };
}

export function update(table: string, columns: readonly string[], ...rows: RowWrite['rows']): RowWrite {
  return { table, write: 'update', columns, rows };
}

/** The changes a turn may make; anything left out stays the same. */
export interface Owner {
  readonly lease: Lease;
  commit(work: Partial<Commit>): Promise<Committed>;
}

/** Claims the partition; the result commits under that claim, by default at the current cursor. */
export async function own(store: Store, partition: PartitionId): Promise<Owner> {
  const lease = await store.claim(partition);
  let present = lease.standing.cursor;
  return {
    lease,
    async commit(work) {
      const committed = await lease.commit(commitOf({ cursor: present, ...work }));
      present = Math.max(present, work.cursor ?? 0);
      return committed;
    },
  };
}

/** A commit of the given work and nothing else. */
export function commitOf(work: Partial<Commit>): Commit {
  const nothing = {
    cursor: 0,
    holds: [],
    releases: [],
    keys: [],
    gaps: [],
    timers: [],
    outcomes: [],
    deliveries: [],
    rows: [],
    deadLetters: [],
    resolvedDeadLetters: [],
    sends: [],
  };
  return { ...nothing, ...work };
}

/** Returns the status of each answer. */
export function statuses(answers: readonly { readonly status: string }[]): string[] {
  return answers.map(({ status }) => status);
}

/** Returns every row of a declared table, ascending by a column. */
export function rowsOf(store: Store, name: string, orderedBy: string): Promise<readonly object[]> {
  return store.query(`SELECT * FROM ${name} ORDER BY ${orderedBy}`, []);
}

/** Runs a query with `?` for each parameter, translated to the store's dialect. */
export function find(store: Store, sql: string, parameters: readonly FoundValue[], bounds?: ReadBounds): ReturnType<Store['query']> {
  const compiler = store.dialect?.createQueryCompiler();
  const written = RawNode.create(sql.split('?'), parameters.map(ValueNode.create));
  return store.query(compiler?.compileQuery(written, createQueryId()).sql ?? sql, parameters, bounds);
}

/** Returns the error with which a call is refused; fails if it is not refused, or with another code. */
export async function refusal(call: Promise<unknown>, code: ErrorCode): Promise<MillraceError> {
  const thrown = await call.then(
    () => assert.fail(`expected ${code}, found an answer`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof MillraceError)) throw thrown;
  assert.equal(thrown.code, code, thrown.message);
  return thrown;
}
