import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace, type SqlValue, type Store, sqlite } from '../src/index.ts';
import { createServer } from '../src/server/create-server.ts';
import { configure } from '../src/server/index.ts';
import { patientClock } from '../test/patient-clock.ts';
import { temporaryFolder } from '../test/program.ts';
import { systems as declared } from './index.ts';

const uuid = '01a22c4e-54d1-7340-92bd-5c3298d62b17';
const moment = '2026-01-01T00:00:00.000Z';

/** Every combination of some of these filters. */
function combinationsOf(filters: readonly string[]): readonly string[] {
  return filters.reduce<string[]>((queries, filter) => queries.flatMap((query) => [query, `${query}&${filter}`]), ['']);
}

const events = ['type=user_action', 'source=mobile', 'user_id=u', `from=${moment}`, `to=${moment}`];
const messages = ['to=1', `from=${moment}`, `until=${moment}`];
const accounts = combinationsOf(['type=mint']).flatMap((type) => ['id', 'tokens', 'version'].map((sort) => `${type}&sort=${sort}`));
const rockets = ['id', 'type', 'speed', 'mission', 'status'].map((sort) => `&sort=${sort}`);
const ordered = (queries: readonly string[]) => queries.flatMap((query) => [`${query}&order=asc`, `${query}&order=desc`]);

/** All lists of the systems with all of their filters. */
const lists: readonly string[] = [
  ...combinationsOf(events).map((query) => `/events?limit=1${query}`),
  ...combinationsOf(messages).flatMap((query) => ['sent', 'pending', 'failed'].map((name) => `/messages/${name}?limit=1${query}`)),
  ...ordered(accounts).map((query) => `/accounts?limit=1${query}`),
  ...ordered(rockets).map((query) => `/rockets?limit=1${query}`),
  '/accounts/highest?limit=1',
  '/accounts/a/updates?limit=1',
  `/rockets/${uuid}/history?limit=1`,
  '/workers?limit=1',
];

/**
 * Steps of a plan that read more rows than they return, with the lists that may have them. A scan with an order and a limit, and without a
 * condition, ends with the last returned row.
 *
 * - lists of messages and of rockets include the total number, which is counted along an index;
 * - pending and failed messages are sorted by moments that anybody may have written in another form;
 * - all rockets are read if they are sorted by anything but their id;
 * - the first page of the highest accounts finds each type along an index.
 */
const isAllowed = (list: string, sql: string, step: string) =>
  (/^SCAN/.test(step) && / order by .* limit \?$/.test(sql) && !/ where /.test(sql)) ||
  (/^\/messages\/(pending|failed)/.test(list) && step === 'USE TEMP B-TREE FOR ORDER BY') ||
  (/highest/.test(list) && /^SCAN same_type USING COVERING INDEX|^SCAN accounts USING INDEX/.test(step)) ||
  (/^\/rockets\?/.test(list) && (/count\(\*\)/.test(sql) || !/sort=id/.test(list)));

/** A store that reports each query. */
function told(store: Store, tell: (sql: string, parameters: readonly unknown[]) => void): Store {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]) => {
        if (name === 'query') tell(String(given[0]), given[1] as readonly unknown[]);
        return Reflect.apply(member, target, given);
      };
    },
  });
}

async function serve(t: TestContext) {
  const path = join(temporaryFolder(t), 'mill.db');
  const asked: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
  const systems = declared.map((system) => configure(system, { SCHEDULER_INTERVAL: '1h' }));
  const store = told(sqlite(path), (sql, parameters) => asked.push({ sql, parameters }));
  const mill = await millrace({ store, pipelines: systems.flatMap(({ pipelines }) => pipelines), clock: patientClock }).start();
  const server = await createServer({ mill, systems, log: pino({ level: 'silent' }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const database = new DatabaseSync(path, { timeout: 5_000 });
  t.after(async () => {
    database.close();
    await server.stop(1_000);
  });
  return { url, database, asked };
}

/** Adds two rows to each table that differ only in their ids, so that each list has a second page. */
function addRows(database: DatabaseSync): void {
  for (const id of ['a', 'b']) {
    const insert = (table: string, ...values: SqlValue[]) =>
      database.prepare(`INSERT INTO ${table} VALUES (${values.map(() => '?')})`).run(...values);
    insert('processed_events', id, 'user_action', 'mobile', 'u', '{}', 1, moment, moment);
    insert('accounts', id, 'mint', 1, 1, '{}', 0, null, moment);
    insert('rockets', id, 'Falcon-9', 1, 'ARTEMIS', 'ACTIVE', null, 1, moment);
    for (const status of ['SUCCESS', 'FAILED', 'PENDING']) {
      insert('messages', `${id}${status}`, '1', 'x', status, null, null, moment, moment, null, null, 0, '9999', null);
    }
  }
}

const Page = z.looseObject({ nextCursor: z.string().optional() });

test('each list of each system reads no more than it returns, with any filter, on any page', async (t) => {
  const { url, database, asked } = await serve(t);
  addRows(database);
  const slow: string[] = [];
  let cursors = 0;
  for (const list of lists) {
    asked.length = 0;
    const first = await fetch(`${url}${list}`);
    if (first.status === 200) {
      const { nextCursor } = Page.parse(await first.json());
      if (nextCursor !== undefined) {
        cursors += 1;
        assert.equal((await fetch(`${url}${list}&cursor=${nextCursor}`)).status, 200);
      }
    } else assert.equal(first.status, 404, `${list}: ${await first.text()}`);
    for (const { sql, parameters } of asked) {
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...(parameters as SqlValue[]));
      for (const { detail } of steps) {
        const step = String(detail);
        if (/^SCAN|TEMP B-TREE/.test(step) && !isAllowed(list, sql, step)) slow.push(`${list}: ${step}: ${sql}`);
      }
    }
  }
  assert.deepEqual(slow, []);
  assert.ok(cursors > 60, `${cursors} lists had a second page`);
});
