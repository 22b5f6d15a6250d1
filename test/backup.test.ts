import assert from 'node:assert/strict';
import { on } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { checkout, type Ended, type Program, type ProgramOptions } from './program.ts';
import { rowsOf } from './rows-of-file.ts';
import { Yard } from './yard.ts';

/** Counts each key's events in its state, writes a row and requests a delivery for each event; numbered events wait for their predecessors. */
const module = `
import { appendFileSync, existsSync } from 'node:fs';
import { pipeline, table } from 'millrace';
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const seen = table('seen', { event: 'text', key: 'text', nth: 'integer' }, { primaryKey: ['event'] });
const shop = {
  call: async ({ id }) => {
    if (!existsSync('open')) return { result: 'postponed', reason: 'closed', retryAfterMs: 100 };
    appendFileSync('delivered', id + '\\n');
    return { result: 'delivered' };
  },
};
export const orders = pipeline('orders', {
  event: any,
  key: ({ key }) => key,
  id: ({ id }) => id,
  state: any,
  tables: { seen },
  retry: { attempts: 1 },
  onGiveUp: 'skip',
  timers: { unpaid: () => undefined },
  deliver: { shop: { to: shop } },
  handle({ id, key, fail }, state, turn) {
    if (fail) throw new Error('not today');
    const nth = (state?.nth ?? 0) + 1;
    turn.add(seen, { event: id, key, nth });
    turn.timers.set('unpaid', { after: '1h' });
    if (id === 'delivered') turn.deliver('shop', { id });
    return { nth };
  },
});
export const readings = pipeline('readings', {
  event: any,
  key: ({ key }) => key,
  order: { by: ({ n }) => n, from: 1, gap: 'wait' },
  handle: () => undefined,
});`;

class BackupYard extends Yard {
  constructor(context: TestContext) {
    super(context, { 'orders.ts': module });
  }

  serve(database: string): Program {
    return this.start(['serve', './orders.ts', '--port', '0', '--database', database]);
  }

  override start(words: readonly string[], options: Pick<ProgramOptions, 'command'> = {}): Program {
    return super.start(words, { ...options, environment: { DATABASE_URL: './mill.db' } });
  }

  run(...words: readonly string[]): Promise<Ended> {
    return this.start(words).ended;
  }

  /** Returns the names of the files with this prefix. */
  filesOf(beginning: string): readonly string[] {
    return readdirSync(this.folder)
      .filter((name) => name.startsWith(beginning))
      .toSorted();
  }

  /** Checks the condition again after each change of a file in the folder, until it holds. */
  async until(isSo: () => boolean): Promise<void> {
    const watcher = watch(this.folder);
    const changes = on(watcher, 'change');
    while (!isSo()) await changes.next();
    watcher.close();
  }

  /** Resolves once a file of this name exists. */
  made(name: string): Promise<void> {
    return this.until(() => existsSync(this.path(name)));
  }

  /** Resolves once all orders in a served database are settled. */
  settled(name: string): Promise<void> {
    const sql = `SELECT (SELECT max(position) FROM millrace_log_orders) <= (SELECT cursor FROM millrace_partitions WHERE pipeline = 'orders')
      AND NOT EXISTS (SELECT 1 FROM millrace_held_orders) AS done`;
    return this.until(() => rowsOf(this.path(name), sql)[0]?.done === 1);
  }

  /** Adds settled events to the log of a database at rest; a thousand of them take up a megabyte. */
  grow(thousands: number): void {
    const db = new DatabaseSync(this.path('mill.db'));
    db.exec(`INSERT INTO millrace_log_orders
      WITH RECURSIVE numbers (n) AS (SELECT coalesce(max(position), 0) + 1 FROM millrace_log_orders UNION ALL SELECT n + 1 FROM numbers LIMIT ${thousands * 1_000})
      SELECT n, 'k', 'i' || n, NULL, 1700000000000, hex(randomblob(500)), NULL, NULL FROM numbers`);
    db.exec("UPDATE millrace_partitions SET cursor = (SELECT max(position) FROM millrace_log_orders) WHERE pipeline = 'orders'");
    db.close();
  }

  /** Makes a database of the given size, at rest. */
  async filled(megabytes: number): Promise<void> {
    const program = this.serve('./mill.db');
    await program.listening();
    assert.equal((await program.kill('SIGTERM')).code, 0);
    this.grow(megabytes);
  }
}

/** Sends an event; returns the status of the answer. */
async function post(url: string, pipeline: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}/pipelines/${pipeline}/events`, { method: 'POST', body: JSON.stringify(body) });
  return Object(await answer.json()).status;
}

test('a backup of a server under load includes everything acknowledged before it, and continues from there, nothing twice (promises 1, 2)', async (context) => {
  const yard = new BackupYard(context);
  const program = yard.serve('./mill.db');
  const url = await program.listening();
  const acknowledged: string[] = [];
  let isOver = false;
  const send = async (side: string) => {
    for (let n = 0; !isOver; n++) {
      const id = `${side}-${n}`;
      assert.equal(await post(url, 'orders', { key: `${side}${n % 5}`, id }), 'accepted');
      acknowledged.push(id);
    }
  };
  const senders = ['a', 'b', 'c'].map(send);
  const known: (readonly string[])[] = [];
  for (const copy of ['one.db', 'two.db', 'three.db']) {
    await yard.until(() => acknowledged.length >= known.length * 100 + 100);
    known.push([...acknowledged]);
    const { code, stdout, stderr } = await yard.run('backup', copy);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(
      stdout,
      /^backed up sqlite:\S+mill\.db to \S+\.db: [\d.]+ MiB in [\d.]+ s, verified\n\nPIPELINE +EVENTS +LAST POSITION +LAST ACCEPTED\norders +[\d,]+ +[\d,]+ +\S+Z\nreadings +0 +0 +-\n$/,
    );
  }
  isOver = true;
  await Promise.all(senders);
  assert.equal((await program.kill('SIGTERM')).code, 0);
  for (const [at, copy] of ['one.db', 'two.db', 'three.db'].entries()) {
    const stored = new Set(rowsOf(yard.path(copy), 'SELECT id FROM millrace_log_orders').map(({ id }) => id));
    assert.deepEqual(
      known[at]?.filter((id) => !stored.has(id)),
      [],
    );
    const served = yard.serve(`./${copy}`);
    const address = await served.listening();
    assert.equal(await post(address, 'orders', { key: 'a0', id: 'one more' }), 'accepted');
    assert.equal(await post(address, 'orders', { key: 'a0', id: known[at]?.[0] }), 'duplicate');
    await yard.settled(copy);
    assert.equal((await served.kill('SIGTERM')).code, 0);
    // Each event was counted once, in its key's order.
    const rows = rowsOf(
      yard.path(copy),
      'SELECT seen.key, nth, row_number() OVER (PARTITION BY seen.key ORDER BY position) AS expected FROM seen JOIN millrace_log_orders AS log ON log.id = event AND log.key = seen.key',
    );
    assert.equal(rows.length, stored.size + 1);
    assert.deepEqual(
      rows.filter(({ nth, expected }) => nth !== expected),
      [],
    );
  }
});

test('inbox rows are included while a server runs, and are taken in once where the backup is served', async (context) => {
  const yard = new BackupYard(context);
  const program = yard.serve('./mill.db');
  const url = await program.listening();
  assert.equal((await fetch(`${url}/pipelines/orders/pause`, { method: 'POST' })).status, 200);
  const writer = new DatabaseSync(yard.path('mill.db'), { timeout: 5_000 });
  const row = (n: number) => `('orders', '{"key":"i","id":"i${n}"}', 'i${n}')`;
  writer.exec(`INSERT INTO millrace_inbox (pipeline, event, id) VALUES ${[1, 2].map(row).join(', ')}, ('later', '{}', NULL)`);
  const { code, stderr } = await yard.run('backup', 'copy.db');
  assert.deepEqual([code, stderr], [0, '']);
  writer.exec(`INSERT INTO millrace_inbox (pipeline, event, id) VALUES ${row(3)}`);
  writer.close();
  assert.equal((await program.kill('SIGTERM')).code, 0);
  const restored = await yard.run('restore', 'copy.db', '--force');
  assert.deepEqual([restored.code, restored.stderr], [0, '']);
  const again = yard.serve('./mill.db');
  const address = await again.listening();
  assert.equal((await fetch(`${address}/pipelines/orders/resume`, { method: 'POST' })).status, 200);
  await yard.until(() => rowsOf(yard.path('mill.db'), 'SELECT count(*) AS n FROM seen')[0]?.n === 2);
  assert.equal(await post(address, 'orders', { key: 'i', id: 'i2' }), 'duplicate');
  assert.equal((await again.kill('SIGTERM')).code, 0);
  assert.deepEqual(
    rowsOf(yard.path('mill.db'), 'SELECT event, nth FROM seen ORDER BY nth').map(({ event, nth }) => [event, nth]),
    [
      ['i1', 1],
      ['i2', 2],
    ],
  );
  assert.deepEqual(
    rowsOf(yard.path('mill.db'), 'SELECT pipeline FROM millrace_inbox').map(({ pipeline }) => pipeline),
    ['later'],
  );
});

test('everything stored is included, and a restore repeats deliveries that were made after the backup', async (context) => {
  const yard = new BackupYard(context);
  const program = yard.serve('./mill.db');
  const url = await program.listening();
  assert.equal(await post(url, 'orders', { key: 'a', id: 'first' }), 'accepted');
  assert.equal(await post(url, 'orders', { key: 'a', id: 'delivered' }), 'accepted');
  assert.equal(await post(url, 'orders', { key: 'z', id: 'failed', fail: true }), 'accepted');
  assert.equal(await post(url, 'readings', { key: 'r', n: 3 }), 'accepted');
  assert.equal((await fetch(`${url}/pipelines/readings/pause`, { method: 'POST' })).status, 200);
  await yard.settled('mill.db');
  const { code, stdout } = await yard.run('backup', 'copy.db', '--json');
  assert.equal(code, 0);
  const { pipelines, ...said } = JSON.parse(stdout);
  assert.deepEqual([said.verified, said.file, said.database], [true, yard.path('copy.db'), yard.path('mill.db')]);
  assert.deepEqual(
    pipelines.map(({ lastAcceptedAt: _, ...one }: Record<string, unknown>) => one),
    [
      { pipeline: 'orders', events: 3, settledTo: 3, lastPosition: 3 },
      { pipeline: 'readings', events: 1, settledTo: 1, lastPosition: 1 },
    ],
  );
  for (const [table, count] of Object.entries({
    millrace_held_readings: 1,
    millrace_causes_orders: 1,
    millrace_deliveries_orders: 1,
    millrace_dead_letters: 1,
    millrace_paused: 1,
    seen: 2,
  }))
    assert.equal(rowsOf(yard.path('copy.db'), `SELECT count(*) AS n FROM ${table}`)[0]?.n, count, table);

  const delivered = () => rowsOf(yard.path('mill.db'), 'SELECT count(*) AS n FROM millrace_deliveries_orders')[0]?.n === 0;
  writeFileSync(yard.path('open'), '');
  await yard.until(delivered);
  assert.equal(await post(url, 'orders', { key: 'a', id: 'after' }), 'accepted');
  const owned = await yard.run('restore', 'copy.db', '--force');
  assert.deepEqual([owned.code, owned.stdout], [1, '']);
  assert.match(owned.stderr, /^millrace: \S+mill\.db: owned by process \d+ on \S+ since \S+\n$/);
  // Its latest writes are only in its log.
  await program.kill('SIGKILL');
  const unforced = await yard.run('restore', 'copy.db');
  assert.deepEqual([unforced.code, unforced.stdout], [1, '']);
  assert.match(unforced.stderr, /^millrace: \S+mill\.db: a database exists there; --force replaces it[^\n]*\n$/);
  const restored = await yard.run('restore', 'copy.db', '--force');
  assert.deepEqual([restored.code, restored.stderr], [0, '']);
  assert.match(
    restored.stdout,
    /^restored sqlite:\S+mill\.db from \S+copy\.db: [^\n]+, verified\n\nPIPELINE[\s\S]+\n\nEverything accepted after the backup is gone\./,
  );
  assert.deepEqual(
    rowsOf(yard.path('mill.db'), 'SELECT event FROM seen ORDER BY event').map(({ event }) => event),
    ['delivered', 'first'],
  );
  const again = yard.serve('./mill.db');
  await again.listening();
  await yard.until(delivered);
  const { code: stopped } = await again.kill('SIGTERM');
  assert.equal(stopped, 0);
  const ids = rowsIn(yard.path('delivered'));
  assert.deepEqual([ids.length, new Set(ids).size], [2, 1]);
});

function rowsIn(path: string): readonly string[] {
  return readFileSync(path, 'utf8').trim().split('\n');
}

for (const [way, signal] of [
  ['kill -9', 'SIGKILL'],
  ['SIGTERM', 'SIGTERM'],
] as const) {
  test(`${way} in the middle of a backup, or of a restore, leaves everything as it was`, async (context) => {
    const yard = new BackupYard(context);
    await yard.filled(20);
    const events = () => rowsOf(yard.path('mill.db'), 'SELECT count(*) AS n FROM millrace_log_orders')[0]?.n;
    const partial = (name: string) => yard.filesOf(name).filter((file) => file.includes('partial'));

    const backup = yard.start(['backup', 'copy.db']);
    await yard.made('copy.db.millrace-partial');
    assert.deepEqual([(await backup.kill(signal)).signal, yard.filesOf('copy.db').includes('copy.db')], [signal, false]);
    assert.equal(partial('copy.db').length > 0, signal === 'SIGKILL');
    const next = await yard.run('backup', 'other.db');
    assert.equal(next.code, 0);
    assert.equal(
      next.stderr,
      signal === 'SIGKILL'
        ? `millrace: deleted leftovers of an interrupted backup or restore: ${yard.path('copy.db.millrace-partial')}\n`
        : '',
    );
    assert.deepEqual(yard.filesOf('copy.db'), []);

    yard.grow(1);
    const before = events();
    assert.equal(before, 21_000);
    const restore = yard.start(['restore', 'other.db', '--force']);
    await yard.made('mill.db.millrace-partial');
    assert.equal((await restore.kill(signal)).signal, signal);
    assert.equal(events(), before);
    assert.equal(partial('mill.db').length > 0, signal === 'SIGKILL');
    assert.equal((await yard.run('restore', 'other.db', '--force')).code, 0);
    assert.deepEqual([events(), partial('mill.db')], [20_000, []]);
  });
}

test('a disk that fills up in the middle of a backup is reported in one line, and nothing is left behind', async (context) => {
  const yard = new BackupYard(context);
  await yard.filled(20);
  const limited = ['bash', '-c', 'ulimit -f 8192; exec "$0" "$@"', process.execPath, join(checkout, 'bin/millrace.js')];
  const { code, stdout, stderr } = await yard.start(['backup', 'copy.db'], { command: limited }).ended;
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^millrace: \S+copy\.db\S*: a file has reached this process's size limit[^\n]*\n$/);
  assert.deepEqual(yard.filesOf('copy.db'), []);
});

test('an impossible command is refused in one line, and creates no file', async (context) => {
  const yard = new BackupYard(context);
  await yard.filled(1);
  mkdirSync(yard.path('folder'));
  writeFileSync(yard.path('text.db'), 'no database');
  assert.equal((await yard.run('backup', 'copy.db')).code, 0);
  const before = yard.filesOf('');
  const refusals = [
    [['backup'], 2, /missing required argument 'file'/],
    [['backup', 'copy.db'], 1, /copy\.db: a file exists there; --force replaces it/],
    [['backup', 'mill.db', '--force'], 1, /mill\.db: expected a file other than the database/],
    [['backup', 'mill.db-wal', '--force'], 1, /mill\.db-wal: expected a file other than the database/],
    [['backup', 'folder'], 1, /folder: expected the path of a file, found a folder/],
    [['backup', 'none/copy.db'], 1, /expected an existing folder, found none at \S+none/],
    [['backup', 'x.db', '--database', './none.db'], 1, /none\.db: expected a database, found no file/],
    [['backup', 'x.db', '--database', './text.db'], 1, /text\.db: the file is not a database, or is damaged/],
    [['backup', 'x.db', '--database', 'memory:'], 2, /--database: expected a database in a file, found memory:/],
    [
      ['backup', 'x.db', '--database', 'postgres://localhost/x'],
      2,
      /--database: expected a database in a file, found postgres:\/\/localhost\/x/,
    ],
    [['restore', 'none.db'], 1, /none\.db: expected a backup, found no file/],
    [['restore', 'folder'], 1, /folder: expected a backup, found a folder/],
    [['restore', 'text.db', '--force'], 1, /text\.db: the file is not a database, or is damaged/],
    [['restore', 'mill.db', '--force'], 1, /mill\.db: expected a file other than the database/],
    [['restore', 'copy.db', '--database', 'memory:'], 2, /--database: expected a database in a file, found memory:/],
    [
      ['restore', 'copy.db', '--database', './folder'],
      2,
      /--database: expected postgres:\/\/USER@HOST\/NAME, mysql:\/\/USER@HOST\/NAME, sqlite:PATH/,
    ],
  ] as const;
  const ends = await Promise.all(refusals.map(([words]) => yard.run(...words)));
  for (const [at, { code, stdout, stderr }] of ends.entries()) {
    const [words, expected, said] = refusals[at] ?? assert.fail();
    assert.deepEqual([code, stdout, stderr.split('\n').length], [expected, '', 2], words.join(' '));
    assert.match(stderr, said);
  }
  const lasting = (name: string) => !/-(shm|wal)$/.test(name);
  assert.deepEqual(yard.filesOf('').filter(lasting), before.filter(lasting));
});

test('another user can neither make a backup in a folder without permission nor read somebody else’s database', {
  skip: process.getuid?.() !== 0 && 'only root can become another user',
}, async (context) => {
  const yard = new BackupYard(context);
  await yard.filled(1);
  chmodSync(yard.folder, 0o755);
  const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, join(checkout, 'bin/millrace.js')];
  for (const words of [
    ['backup', 'copy.db'],
    ['restore', 'mill.db', '--database', './new.db'],
  ]) {
    const { code, stdout, stderr } = await yard.start(words, { command: asNobody }).ended;
    assert.deepEqual([code, stdout, stderr.split('\n').length], [1, '', 2], stderr);
    assert.match(stderr, /mill\.db: /);
  }
  assert.deepEqual(yard.filesOf('copy').concat(yard.filesOf('new')), []);
});
