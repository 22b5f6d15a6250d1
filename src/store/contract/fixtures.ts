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

/** How the contract comes by the store that it tests. */
export interface StoreHarness {
  /** A database of its own for one test, empty. */
  create(): Promise<ContractDatabase>;
  /** Whether a `real` column holds an infinity, by default true. A store whose database knows none refuses one: `MILL_COMMIT_REFUSED`. */
  readonly hasInfinity?: boolean;
}

export interface ContractDatabase {
  /** Opens the database; again after the store was closed, or after an opening that was refused. */
  open(declaration: StoreDeclaration): Promise<Store>;
  /** Runs SQL on the open database as another program does; absent for a store that no other program can write to, which has no inbox. */
  write?(sql: string): Promise<void>;
  /** Closes the store if it is open, and removes the database. */
  dispose(): Promise<void>;
}

/** What a test works on. Each partition is the last slice of its pipeline, so that a store of many shows that it tells them apart. */
export interface Subject {
  readonly store: Store;
  /** Of a pipeline without numbers. */
  readonly visits: PartitionId;
  /** Of another one without numbers. */
  readonly orders: PartitionId;
  /** Of a numbered pipeline. */
  readonly rockets: PartitionId;
  /** Runs SQL as another program does; undefined for a store without an inbox. */
  readonly write: ((sql: string) => Promise<void>) | undefined;
  /** Whether a `real` column holds an infinity. */
  readonly hasInfinity: boolean;
  /** Closes the store and opens the same database, with another declaration if one is given. */
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
/** Nothing but its key, of words that SQL reserves. */
const pairs = table('pairs', { order: 'text', group: 'text' }, { primaryKey: ['order', 'group'], indexes: [['group']] });

/** A key of two columns, one of them a word that SQL reserves. */
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

/** The moment of every event that says nothing else. */
export const acceptedAt = 1_750_000_000_000;

/** An event of an unnumbered pipeline; its id is not chosen unless `more` says so. */
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

/** An event with an id that somebody chose, known for ever. */
export function chosen(partition: PartitionId, key: string, id: string, more: Partial<NewEvent> = {}): NewEvent {
  return event(partition, key, { id, knownSince: 0, ...more });
}

export function numbered(partition: PartitionId, key: string, number: number, more: Partial<NewEvent> = {}): NewEvent {
  return event(partition, key, { id: `${key}-${number}`, number, ...more });
}

/** The event as the log answers it. */
export function logged({ key, id, number, acceptedAt, body, traceparent, origin }: NewEvent, position: number): LoggedEvent {
  return { position, key, id, number, acceptedAt, body, traceparent, origin };
}

/** A new dead letter of one kind. */
type NewDeadLetterOf<Kind extends DeadLetterKind> = Extract<NewDeadLetter, { readonly kind: Kind }>;

/** A letter about an event at a position, which is its order too, unless `more` says otherwise. */
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

/** A letter about an origin of which no event could be made. */
export function originLetter(id: string, key: string, origin: string): NewDeadLetterOf<'origin'> {
  return { kind: 'origin', ...failed(id, key), origin, attempts: 0 };
}

/** A letter about a record of a broker of which no event could be made. */
export function rejectedLetter(id: string, key: string, record: string): NewDeadLetterOf<'rejected'> {
  return { kind: 'rejected', ...failed(id, key), record, attempts: 0 };
}

function failed(id: string, key: string) {
  return { id, key, reason: 'it failed', stack: null, failedAt: acceptedAt + 1, attempts: 3 };
}

/** A timer, as it is armed and read. */
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

/** The key has been told that outcome. */
export function told(key: string, id: string): OutcomeWrite {
  return { kind: 'outcome', key, endpoint: 'mail', id, dueAt: null };
}

/** What tells timers and outcomes apart, of each. */
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

/** Takes deliveries of a key to `mail` away. */
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

/** What a turn may change; whatever is left out stays as it is. */
export interface Owner {
  readonly lease: Lease;
  commit(work: Partial<Commit>): Promise<Committed>;
}

/** Claims the partition; the answer commits under that claim, by default at the present cursor. */
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

/** A commit of some work and nothing else. */
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

/** The status of each answer. */
export function statuses(answers: readonly { readonly status: string }[]): string[] {
  return answers.map(({ status }) => status);
}

/** Every row of a declared table, ascending by a column. */
export function rowsOf(store: Store, name: string, orderedBy: string): Promise<readonly object[]> {
  return store.query(`SELECT * FROM ${name} ORDER BY ${orderedBy}`, []);
}

/** Runs a query whose parameters are written `?`, as the dialect of the store writes them. */
export function find(store: Store, sql: string, parameters: readonly FoundValue[], bounds?: ReadBounds): ReturnType<Store['query']> {
  const compiler = store.dialect?.createQueryCompiler();
  const written = RawNode.create(sql.split('?'), parameters.map(ValueNode.create));
  return store.query(compiler?.compileQuery(written, createQueryId()).sql ?? sql, parameters, bounds);
}

/** The error that a call is refused with; fails when it is not refused, or with another code. */
export async function refusal(call: Promise<unknown>, code: ErrorCode): Promise<MillraceError> {
  const thrown = await call.then(
    () => assert.fail(`expected ${code}, found an answer`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof MillraceError)) throw thrown;
  assert.equal(thrown.code, code, thrown.message);
  return thrown;
}
