import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { MariadbDatabases } from '../../../test/mariadb-database.ts';
import { withoutMariadb } from '../../../test/mariadb-server.ts';
import { PostgresDatabase, type PostgresKind, without } from '../../../test/postgres-database.ts';
import { storeOnMariadb } from '../../../test/store-on-mariadb.ts';
import { storeOnPostgres } from '../../../test/store-on-postgres.ts';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { Commit, Committed, Lease, Store } from '../../store/store.ts';
import { type TestMill, testMill as testMillOn } from '../../testing/test-mill.ts';
import type { TestMillOptions } from '../../testing/test-mill-options.ts';

export const Step = z.object({ key: z.string(), n: z.int() });
export const applied = table('applied', { key: 'text', n: 'integer', nth: 'integer' }, { primaryKey: ['key', 'nth'] });
export const Steps = z.object({ steps: z.array(z.number()) });

export interface Behaviour {
  /** Called at the start of every attempt. */
  readonly attempt?: (step: z.infer<typeof Step>, attempt: number) => void | Promise<void>;
}

/** A pipeline whose state and rows both record what was applied, and in which order. */
export function steps(
  { attempt }: Behaviour = {},
  options: {
    numbered?: boolean;
    maxPending?: number;
    onGiveUp?: 'park' | 'skip';
    attempts?: number;
    skipAfter?: '5m';
    concurrency?: number;
    retain?: '10m';
  } = {},
) {
  const { numbered = false, maxPending = 20, onGiveUp, attempts = 3, skipAfter, concurrency = 100, retain } = options;
  return pipeline('steps', {
    event: Step,
    key: ({ key }) => key,
    ...(numbered && { order: { by: ({ n }: { n: number }) => n, maxPending, gap: skipAfter ? { skipAfter } : 'wait' } }),
    state: Steps,
    tables: { applied },
    retry: { attempts, backoff: '1s' },
    concurrency,
    ...(onGiveUp && { onGiveUp }),
    ...(retain && { retain }),
    handle(step, state, turn) {
      const decide = () => {
        const before = state?.steps ?? [];
        turn.add(applied, { key: step.key, n: step.n, nth: before.length });
        return { steps: [...before, step.n] };
      };
      const done = attempt?.(step, turn.attempt);
      return done instanceof Promise ? done.then(decide) : decide();
    },
  });
}

export async function stepsOf(t: TestMill, key: string): Promise<readonly number[]> {
  const state = (await t.state('steps', key)) as { steps: number[] } | undefined;
  const rows = (await t.rows(applied)).filter((row) => row.key === key).sort((a, b) => a.nth - b.nth);
  assert.deepEqual(
    rows.map(({ n }) => n),
    state?.steps ?? [],
    'rows and state commit together',
  );
  return state?.steps ?? [];
}

export const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

export const failing = (): never => {
  throw new Error('not today');
};

/** A replacement for commits; gets the commit and the lease it would be made under. */
export type CommitCall = (work: Commit, lease: Lease) => Promise<Committed>;

/** A store with some calls replaced, including those of its leases. */
export function withCalls(store: Store, { commit, ...replaced }: Partial<Store> & { readonly commit?: CommitCall }): Store {
  if (commit === undefined) return withMembers(store, replaced);
  const claim: Store['claim'] = async (partition) => {
    const lease = await (replaced.claim?.(partition) ?? store.claim(partition));
    return withMembers(lease, { commit: (work: Commit) => commit(work, lease) });
  };
  return withMembers(store, { ...replaced, claim });
}

/** An object with some of its members replaced. */
export function withMembers<T extends object>(base: T, replaced: Partial<T>): T {
  return new Proxy(base, {
    get(target, name) {
      const own = Reflect.get(replaced, name);
      if (own !== undefined) return own;
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** Watches how many keys' held events a store reads back at once, at most; each such read takes a moment. */
export function watchReadingBack(store: Store, pipelineName: string) {
  let underWay = 0;
  const watched = {
    max: 0,
    store: withCalls(store, {
      async held(partition, ...asked) {
        if (partition.pipeline !== pipelineName) return store.held(partition, ...asked);
        underWay += 1;
        watched.max = Math.max(watched.max, underWay);
        await setImmediate();
        underWay -= 1;
        return store.held(partition, ...asked);
      },
    }),
  };
  return watched;
}

export const isCode = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

const folder = mkdtempSync(join(tmpdir(), 'millrace-promises-'));
const made: Store[] = [];
after(async () => {
  // The threads of a store that a failed test left open would keep the process alive.
  await Promise.all(made.map((store) => store.close()));
  rmSync(folder, { recursive: true });
});
let databases = 0;

const stores = {
  memory: () => memory(),
  'memory in four slices': () => memory({ partitions: 4 }),
  sqlite() {
    databases += 1;
    return sqlite(join(folder, `${databases}.db`));
  },
  'postgres in three slices': () => onPostgres('PostgreSQL 15'),
} satisfies Readonly<Record<string, () => Store>>;

/** MariaDB and the other kinds of PostgreSQL, which are slower. */
const otherKinds = {
  'mariadb in three slices': () => onMariadb(),
  'postgres 18 in three slices': () => onPostgres('PostgreSQL 18'),
  'postgres behind PgBouncer': () => onPostgres('PgBouncer'),
  'postgres in PGlite': () => onPostgres('PGlite'),
} satisfies Readonly<Record<string, () => Store>>;

const every = { ...stores, ...otherKinds };
type StoreName = keyof typeof every;

const kinds: { readonly [Name in StoreName]?: PostgresKind } = {
  'postgres in three slices': 'PostgreSQL 15',
  'postgres 18 in three slices': 'PostgreSQL 18',
  'postgres behind PgBouncer': 'PgBouncer',
  'postgres in PGlite': 'PGlite',
};
const opened = new Map<PostgresKind, PostgresDatabase>();
let mariadb: MariadbDatabases | undefined;
after(() => Promise.all([...opened.values(), mariadb].map((database) => database?.close())));

function onPostgres(kind: PostgresKind): Store {
  const database = opened.get(kind);
  assert.ok(database);
  databases += 1;
  return storeOnPostgres(database, { schema: `promise_${databases}`, isLeased: false });
}

function onMariadb(): Store {
  assert.ok(mariadb);
  return storeOnMariadb(mariadb, { isLeased: false });
}

/** The means of a test on one kind of store. */
export interface OnStore {
  /** A mill on a fresh store of the kind. */
  testMill(options: TestMillOptions): Promise<TestMill>;
  makeStore(): Store;
}

/** Declares the tests of a promise on each store. */
export function onEveryStore(promise: string, declare: (means: OnStore) => void): void {
  for (const name of Object.keys(stores) as StoreName[]) onStore(name, promise, declare);
}

/** Declares the tests of a promise on each store, on MariaDB, and on every kind of PostgreSQL. */
export function onEveryKindOfStore(promise: string, declare: (means: OnStore) => void): void {
  for (const name of Object.keys(every) as StoreName[]) onStore(name, promise, declare);
}

/** Declares the tests of a promise on one store. */
export function onStore(name: StoreName, promise: string, declare: (means: OnStore) => void): void {
  const kind = kinds[name];
  const makeStore = () => {
    const store = every[name]();
    made.push(store);
    return store;
  };
  const isOnMariadb = name === 'mariadb in three slices';
  const skip = isOnMariadb ? withoutMariadb : kind !== undefined && without(kind);
  describe(`${promise}, on ${name}`, { skip }, () => {
    if (kind !== undefined) {
      before(async () => {
        if (!opened.has(kind)) opened.set(kind, await PostgresDatabase.open(kind));
      });
    }
    if (isOnMariadb) {
      before(async () => {
        mariadb ??= await MariadbDatabases.open();
      });
    }
    declare({ makeStore, testMill: (options) => testMillOn({ store: makeStore(), ...options }) });
  });
}
