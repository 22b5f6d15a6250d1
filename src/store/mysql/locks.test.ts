import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import {
  acceptedAt,
  add,
  ask,
  chosen,
  commitOf,
  declaration,
  delivery,
  disarm,
  event,
  gap,
  letter,
  numbered,
  outcome,
  put,
  remove,
  timer,
  update,
} from '../contract/fixtures.ts';
import type { Commands, Commit, Lease, PartitionId, Store } from '../store.ts';
import { mysql } from './mysql-store.ts';

const visits = { pipeline: 'visits', slice: 1 };
const rockets = { pipeline: 'rockets', slice: 1 };
/** Other owners' partitions, before and after those two in every index. */
const others: readonly PartitionId[] = [
  { pipeline: 'orders', slice: 1 },
  { pipeline: 'rockets', slice: 0 },
  { pipeline: 'rockets', slice: 2 },
  { pipeline: 'visits', slice: 0 },
  { pipeline: 'visits', slice: 2 },
];
/** A partition of a pipeline that is no longer declared. */
const left: PartitionId = { pipeline: 'left', slice: 1 };

/** Returns statements that insert rows of a partition into every engine table. */
function rowsOf({ pipeline, slice }: PartitionId, name: string): readonly string[] {
  const of = `'${pipeline}', ${slice}`;
  return [
    `INSERT INTO millrace_cursors VALUES (${of}, ${name.codePointAt(0)})`,
    `INSERT INTO millrace_keys (pipeline, slice, \`key\`, parked) VALUES (${of}, '${name}', 0)`,
    `INSERT INTO millrace_held (pipeline, slice, \`key\`, \`order\`, position, attempts) VALUES (${of}, '${name}', 1, 1, 0)`,
    `INSERT INTO millrace_gaps VALUES (${of}, '${name}', 1, 2, 3)`,
    `INSERT INTO millrace_causes VALUES (${of}, '${name}', 'timer', 'wake', '', REPEAT('${name}', 32), 1, NULL, 0, NULL)`,
    `INSERT INTO millrace_deliveries (pipeline, slice, endpoint, \`key\`, id, id_hash, flow, ordered, waits, attempts, due_at, asked_at, body)
      VALUES (${of}, 'mail', '${name}', 'd', REPEAT('${name}', 32), 'key ${name}', 1, 0, 0, 1, 1, '{}')`,
    `INSERT INTO millrace_dead_letters (id, pipeline, slice, \`key\`, reason, failed_at, attempts, position, parked, resolved)
      VALUES ('${name} ${pipeline} ${slice}', ${of}, '${name}', 'it failed', 1, 1, 1, 0, 0)`,
    `INSERT INTO millrace_commands VALUES ('${name} ${pipeline} ${slice}', ${of}, '{}', 0, NULL)`,
    `INSERT INTO millrace_inbox (pipeline, event) VALUES ('${pipeline}', '{}')`,
  ];
}

/** Another process appends to partitions whose owner is at work. */
const underWay = [
  `INSERT INTO millrace_log_visits (slice, position, \`key\`, id, accepted_at, body, flight) VALUES (1, 1000, 'z', 'z', ${acceptedAt}, '{}', 0)`,
  `INSERT INTO millrace_ids_visits VALUES (0, 'early', ${acceptedAt - 1}), (1, 'late', ${acceptedAt + 1}), (2, 'early', ${acceptedAt - 1})`,
  "INSERT INTO millrace_held (pipeline, slice, `key`, `order`, position, attempts) VALUES ('rockets', 1, 'm', 50, 50, 0), ('rockets', 1, 'n', 1, 51, 0)",
];

const accounts = ['l', 'm', 'n'].map((id) => [id, 1, 1, 1, '{}']);

/**
 * The tables are as small as in a fleet that keeps up, so the database prefers to scan them, whatever their indexes. An open transaction
 * has locked all rows of other partitions, some of them new.
 */
describe('nobody who works on a partition waits for somebody working on another', { skip: withoutMariadb }, () => {
  let server: MariadbServer;
  let database: string;
  let holder: Connection;
  let other: Store;
  let store: Store;
  let visit: Lease;
  let rocket: Lease;
  let commands: Commands;

  before(async () => {
    server = await MariadbServer.start();
    const url = await server.createDatabase();
    database = new URL(url).pathname.slice(1);
    const options = { partitions: 3, lockTimeoutMs: 1_000, statementTimeoutMs: 3_000 };
    const former = mysql(url, options);
    await former.open({ ...declaration, pipelines: [...declaration.pipelines, { name: 'left', numbered: false }] });
    await former.close();
    other = mysql(url, options);
    await other.open(declaration);
    for (const partition of others) await other.claim(partition);
    store = mysql(url, options);
    await store.open(declaration);
    assert.ok(store.commands !== undefined);
    commands = store.commands;
    [visit, rocket] = [await store.claim(visits), await store.claim(rockets)];
    await prepare();
    holder = await createConnection({ host: '127.0.0.1', port: server.port, user: 'root', database });
    for (const text of [...others, left].flatMap((partition) => rowsOf(partition, 'a'))) await holder.query(text);
    // If nearly all rows of a table belong to one pipeline, the database scans the table for it.
    await holder.query(`INSERT INTO millrace_held SELECT 'left', 1, CONCAT('many ', seq), 1, 1, 0, NULL FROM seq_1_to_50`);
    await hold();
  });
  after(async () => {
    await holder?.end();
    await other?.close();
    await store?.close();
    await server.stop();
  });

  /** Prepares the data for the calls below. */
  async function prepare(): Promise<void> {
    await store.append([1, 2, 3].map((nth) => chosen(visits, 'm', `id ${nth}`)));
    await store.append([1, 2, 3, 4, 5, 6].map((number) => numbered(rockets, 'm', number)));
    for (const cursor of [1, 2, 3]) await visit.commit(commitOf({ cursor }));
    await visit.commit(
      commitOf({
        keys: [{ key: 'm', state: null, next: 7, parked: false }],
        gaps: [{ key: 'm', gap: { next: 7, first: 8, since: 9 } }],
        timers: [timer('m', 'wake', 10), timer('m', 'sleep', 11)],
        outcomes: [outcome('m', 'o', 12)],
        deliveries: ask(delivery('one', 'm'), delivery('two', 'm'), delivery('three', 'm')),
        rows: [add('accounts', ...accounts)],
        deadLetters: [letter('visited', 'm', 1), gap('skipped', 'm', 1, 2)],
      }),
    );
    for (const id of ['1', '2']) await commands.give({ id, partition: visits, body: '{}' }, 60_000);
    for (let nth = 0; nth < 2; nth += 1)
      await server.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('visits', '{}')", database);
  }

  async function hold(): Promise<void> {
    await holder.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await holder.beginTransaction();
    for (const { pipeline, slice } of others) {
      for (const table of ['fences', 'heads'])
        await holder.query(`SELECT 1 FROM millrace_${table} WHERE pipeline = '${pipeline}' AND slice = ${slice} FOR UPDATE`);
    }
    await holder.query("SELECT 1 FROM millrace_pipelines WHERE pipeline = 'orders' FOR UPDATE");
    const [[fence]] = await holder.query<RowDataPacket[]>("SELECT owner FROM millrace_fences WHERE pipeline = 'orders' AND slice = 1");
    await holder.query(`SELECT 1 FROM millrace_processes WHERE id = '${fence?.owner}' FOR UPDATE`);
    for (const id of ['l', 'n']) await holder.query(`SELECT 1 FROM accounts WHERE id = '${id}' FOR UPDATE`);
    for (const name of ['A', 'b']) for (const text of others.flatMap((partition) => rowsOf(partition, name))) await holder.query(text);
    for (const text of underWay) await holder.query(text);
    await holder.query("INSERT INTO accounts VALUES ('lower', 1, 1, 1, '{}'), ('more', 1, 1, 1, '{}')");
  }

  const commits: Readonly<Record<string, Partial<Commit>>> = {
    'a cursor': { cursor: 3 },
    'a held event': { holds: [{ key: 'm', order: 3, position: 3, attempts: 1, retryAt: null }] },
    'releases of held events, one and several': {
      releases: [
        { key: 'm', from: 1, to: 1 },
        { key: 'm', from: 2, to: 6 },
      ],
    },
    'the record of a key': { keys: [{ key: 'm', state: { json: '{}', version: 1 }, next: null, parked: false }] },
    'a deleted key': { keys: [{ key: 'm', state: null, next: null, parked: false }] },
    'a noted gap': { gaps: [{ key: 'm', gap: { next: 8, first: 9, since: 9 } }] },
    'a forgotten gap': { gaps: [{ key: 'm', gap: null }] },
    'timers set and cancelled': { timers: [timer('m', 'wake', 20), disarm('m', 'sleep')] },
    'a handled outcome': { outcomes: [{ ...outcome('m', 'o', 12), dueAt: null }] },
    'requested deliveries': {
      deliveries: ask(delivery('one', 'm'), delivery('four', 'm'), delivery('five', 'other', { ordered: false })),
    },
    'a retried delivery': {
      deliveries: [{ write: 'retry', endpoint: 'mail', key: 'm', id: 'one', attempts: 1, dueAt: 20, pauseMs: 10 }],
    },
    'a finished delivery': { deliveries: remove('m', 'one') },
    'rows of tables': {
      rows: [
        put('accounts', ['m', 2, 2, 1, '{}']),
        add('accounts', ['m', 3, 3, 1, '{}'], ['mm', 3, 3, 1, '{}']),
        update('accounts', ['id', 'version'], ['m', 4]),
      ],
    },
    'dead letters': { deadLetters: [letter('again', 'm', 2)] },
    'resolved dead letters': { resolvedDeadLetters: ['visited', 'skipped'] },
    'an answer to a command': { answers: [{ id: '1', answer: '{}' }] },
    'a sent event': { sends: [event(visits, 'sent')] },
  };

  for (const [what, work] of Object.entries(commits)) {
    test(`commits: ${what}`, async () => {
      const lease = work.releases === undefined && work.holds === undefined ? visit : rocket;
      await lease.commit(commitOf(work));
    });
  }

  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    'appends events': () => store.append([event(visits, 'appended'), chosen(visits, 'm', 'id 9')]),
    'appends numbered events': () => store.append([numbered(rockets, 'm', 8), numbered(rockets, 'nn', 1)]),
    'prunes old data': () =>
      store.prune({ partition: visits, acceptedBefore: acceptedAt + 1, idsBefore: acceptedAt + 1, after: 0, limit: 100 }),
    beats: () => store.beat(),
    'gives a command': () => commands.give({ id: '3', partition: visits, body: '{}' }, 60_000),
    'withdraws commands': () => commands.withdraw(['1', '2']),
    'pauses a pipeline': () => store.setPaused('visits', true),
    'takes inbox rows': async () => {
      const rows = (await store.inbox?.rows({ pipeline: 'visits', except: [], eventLengthMax: 100, limit: 10 })) ?? [];
      const taken = await visit.takeInbox?.(rows.map(({ place }) => ({ place, event: event(visits, 'taken') })));
      assert.ok(taken !== undefined && taken.length >= 2 && taken.every(({ status }) => status === 'accepted'));
    },
    'deletes a pipeline': () => store.forget('left'),
    'claims a partition': () => store.claim(visits),
    'releases a partition': () => rocket.release(),
  };
  for (const [what, call] of Object.entries(calls)) test(what, async () => void (await call()));

  test('leaves', async () => {
    const { self } = await store.beat();
    await store.close();
    assert.deepEqual(await server.query(`SELECT id FROM millrace_processes WHERE id = '${self}'`, database), []);
  });
});
