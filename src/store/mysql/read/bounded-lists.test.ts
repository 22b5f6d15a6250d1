import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MariadbServer, withoutMariadb } from '../../../../test/mariadb-server.ts';
import { declaration } from '../../contract/fixtures.ts';
import type { Read } from '../../sql/read/bounded.ts';
import { readInbox } from '../../sql/read/inbox-reads.ts';
import { PartitionReads } from '../../sql/read/partition-reads.ts';
import { MysqlConnections } from '../connection/connections.ts';
import { partDialect } from '../copy/mysql-selects.ts';
import { settingsOf } from '../mysql-options.ts';
import { mysql } from '../mysql-store.ts';
import { mysqlStatements } from '../statements.ts';

const rowsCount = 2_000;
const limit = 100;
const partition = { pipeline: 'rockets', slice: 0 };
/** Rows that come due at the same moments, each with a large text. */
const rows = `seq_1_to_${rowsCount}`;
const body = "CONCAT('\"', REPEAT('x', 9998), '\"')";
const hash = "UNHEX(SHA2(CONCAT('name ', seq), 256))";
const key = "CONCAT('key ', LPAD(seq MOD 1000, 4, '0'))";
const fill = [
  `INSERT INTO millrace_causes SELECT 'rockets', 0, ${key}, 'timer', CONCAT('name ', seq), '', ${hash}, seq DIV 500, ${body}, 0, NULL FROM ${rows}`,
  `INSERT INTO millrace_deliveries (pipeline, slice, endpoint, \`key\`, id, id_hash, flow, ordered, waits, attempts, due_at, asked_at, body)
    SELECT 'rockets', 0, 'mail', ${key}, seq, ${hash}, CONCAT('flow ', seq MOD 3), 0, 0, 0, seq DIV 500, 1, ${body} FROM ${rows}`,
  `INSERT INTO millrace_log_rockets (slice, position, \`key\`, id, number, accepted_at, body, flight) SELECT 0, seq, 'a', seq, seq, 1, ${body}, 0 FROM ${rows}`,
  `INSERT INTO millrace_held SELECT 'rockets', 0, IF(seq > 1000, CONCAT('b ', seq MOD 4), 'a'), seq, seq, 0, NULL FROM ${rows}`,
  `INSERT INTO millrace_inbox (pipeline, event) SELECT 'rockets', ${body} FROM ${rows}`,
];

function readsBy(read: Read): PartitionReads {
  return new PartitionReads(read, mysqlStatements.reads, partition);
}

/** The measured cost of a statement. */
interface Cost {
  readonly found: number;
  /** On-disk temporary tables used for sorting or collecting. */
  readonly disk: number;
  /** Number of sorted rows. */
  readonly sorted: number;
  /** Number of rows read from tables, including in-memory ones. */
  readonly read: number;
}

describe('lists of rows with large texts are read along an index, and only the texts that fit are read', { skip: withoutMariadb }, () => {
  let server: MariadbServer;
  let connections: MysqlConnections;
  before(async () => {
    server = await MariadbServer.start();
    const url = await server.createDatabase();
    const store = mysql(url, { partitions: 1 });
    await store.open(declaration);
    await store.close();
    for (const text of fill) await server.query(text, new URL(url).pathname.slice(1));
    connections = await MysqlConnections.open(settingsOf(url, {}));
  });
  after(async () => {
    await connections?.close();
    await server.stop();
  });

  async function costOf(list: (read: Read) => Promise<readonly unknown[]>): Promise<Cost> {
    const status = { text: 'SHOW SESSION STATUS', values: [] };
    let [disk, sorted, read] = [0, 0, 0];
    const found = await list(async (...statements) => {
      const [first, second, ...rest] = await connections.read(status, status, ...statements, status);
      const last = rest.pop();
      const [one, two, three] = [first, second, last].map((result) => new Map(result?.rows.map(([name, value]) => [name, Number(value)])));
      // Reading the status counts itself.
      const of = (name: string) => (three?.get(name) ?? Number.NaN) - 2 * (two?.get(name) ?? Number.NaN) + (one?.get(name) ?? Number.NaN);
      disk += of('Created_tmp_disk_tables');
      sorted += of('Sort_rows');
      for (const look of ['key', 'next', 'prev', 'first', 'last', 'rnd', 'rnd_next', 'rnd_deleted']) read += of(`Handler_read_${look}`);
      return rest;
    });
    return { found: found.length, disk, sorted, read };
  }

  const lists: Readonly<Record<string, (reads: PartitionReads, charactersMax?: number) => Promise<readonly unknown[]>>> = {
    'due timers': (reads, charactersMax) => reads.dueCauses(3, limit, { charactersMax }),
    'due timers after a place': (reads, charactersMax) =>
      reads.dueCauses(3, limit, {
        after: { kind: 'timer', key: 'key 0700', name: 'name 1700', dueAt: 3 },
        charactersMax,
      }),
    'due deliveries': (reads, charactersMax) => reads.dueDeliveries('mail', 3, limit, { charactersMax }),
    'due deliveries flow by flow': async (reads, charactersMax) =>
      (await reads.dueByFlow({ endpoint: 'mail', dueBy: 3, from: null, flows: 2, each: limit / 2, charactersMax })).deliveries,
    'held events': (reads, charactersMax) => reads.held('a', 10, limit, { charactersMax }),
    'the log': (reads, charactersMax) => reads.read(10, limit, { charactersMax }),
  };

  /** Lists that first find the names of flows, which reads all entries of an index once. */
  const readsNames = new Set(['due deliveries flow by flow']);

  for (const [what, list] of Object.entries(lists)) {
    test(what, async () => {
      const whole = await costOf((read) => list(readsBy(read)));
      const bounded = await costOf((read) => list(readsBy(read), 50_000));
      assert.deepEqual([whole.found, bounded.found], [limit, 5]);
      for (const { disk, sorted, read } of [whole, bounded]) {
        assert.equal(disk, 0);
        // The places are sorted once or twice, to find out which fit.
        assert.ok(sorted <= 3 * limit, `sorted ${sorted} rows`);
        assert.ok(read <= 15 * limit + (readsNames.has(what) ? rowsCount : 0), `read ${read} rows`);
      }
    });
  }

  test('keys of held events, however many each has', async () => {
    const { found, disk, read } = await costOf((by) => readsBy(by).heldKeys(null, limit));
    assert.deepEqual([found, disk], [5, 0]);
    assert.ok(read <= rowsCount + limit, `read ${read} rows`);
  });

  test('the log of a copy', async () => {
    const { columns, from, order } = partDialect.log('rockets');
    const { found, disk, read } = await costOf(async (by) => {
      const [log] = await by({ text: `SELECT ${columns} FROM ${from} ORDER BY ${order}`, values: [] });
      return log?.rows ?? [];
    });
    assert.deepEqual([found, disk], [rowsCount, 0]);
    assert.ok(read <= 15 * rowsCount, `read ${read} rows`);
  });

  test('rows of the inbox', async () => {
    const query = { pipeline: 'rockets', except: [1, 2, 3], eventLengthMax: 20_000, limit };
    for (const [charactersMax, count] of [
      [undefined, limit],
      [50_000, 5],
    ] as const) {
      const { found, disk, read } = await costOf((by) => readInbox(by, mysqlStatements.reads, { ...query, charactersMax }));
      assert.deepEqual([found, disk], [count, 0]);
      assert.ok(read <= 15 * limit, `read ${read} rows`);
    }
  });
});
