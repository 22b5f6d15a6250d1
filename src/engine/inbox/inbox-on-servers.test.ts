import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../test/until.ts';
import type { Inbox } from '../../store/store.ts';
import { withMembers } from '../promises/fixture.test.ts';
import { onEachServer, type Writer } from './inbox.fixture.test.ts';
import { stepsOf, Turns } from './steps.fixture.test.ts';

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

/** Returns the results of all turns: for each key the numbers in the order of its turns. */
async function outcomeOf(reader: Writer) {
  const rows = await reader.run('SELECT * FROM seen ORDER BY nth');
  const keys = Map.groupBy(rows, ({ key }) => String(key));
  return Array.from(keys, ([key, own]) => ({ key, numbers: own.map(({ n }) => Number(n)) })).toSorted((a, b) => a.key.localeCompare(b.key));
}

/** Resolves once the table has that many rows. */
async function untilRows(reader: Writer, count: number): Promise<void> {
  for (;;) {
    const [found] = await reader.run('SELECT count(*) AS count FROM seen');
    if (Number(found?.count) >= count) return;
  }
}

onEachServer('the inbox of a database server', (worldOf) => {
  test('an open transaction holds nobody up, and its rows arrive when it commits', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    await world.start({ pipelines: [stepsOf(turns)] });
    const [open, other] = [await world.writer(), await world.writer()];
    await open.run('BEGIN');
    await open.insert({ key: 'a', n: 1 });
    for (const n of upTo(20)) await other.insert({ key: n % 2 === 0 ? 'a' : 'b', n: n + 1 });
    await turns.count(20);
    assert.deepEqual(
      turns.of('a'),
      upTo(10).map((n) => 2 * n + 1),
    );
    await open.run('COMMIT');
    await turns.count(21);
    assert.equal(turns.of('a').at(-1), 1);
    await other.insert({ key: 'a', n: 99 });
    await turns.count(22);
    assert.deepEqual(turns.of('a').slice(-2), [1, 99]);
  });

  test('a row that commits while others are passed over precedes rows inserted after its commit', async (context) => {
    const world = await worldOf(context);
    const gate = Promise.withResolvers<void>();
    const turns = new Turns();
    const before = (n: number) => (n === 0 ? gate.promise : undefined);
    const steps = stepsOf(turns, 'steps', { before });
    const { mill: first } = await world.start({ pipelines: [steps] });
    await first.stop();
    const [open, other] = [await world.writer(), await world.writer()];
    await open.run('BEGIN');
    await open.insert({ key: 'x', n: 1 });
    await other.run('BEGIN');
    for (let nth = 0; nth < 300; nth += 1) await other.insert({ key: 'full', n: 0 });
    await other.run('COMMIT');
    const store = world.store();
    const { inbox } = store;
    assert.ok(inbox !== undefined);
    let reads = 0;
    const rows: Inbox['rows'] = async (query) => {
      reads += 1;
      if (reads === 2) {
        await open.run('COMMIT');
        await other.insert({ key: 'x', n: 2 });
      }
      return inbox.rows(query);
    };
    await world.start({
      store: withMembers(store, { inbox: withMembers(inbox, { rows }) }),
      pipelines: [steps],
      limits: { pendingPerKey: 2 },
    });
    await turns.count(2);
    assert.deepEqual(turns.of('x'), [1, 2]);
    gate.resolve();
    await turns.count(302);
  });

  test('a row deleted by its program is not taken in if intake has already begun', async (context) => {
    const world = await worldOf(context);
    const turns = new Turns();
    const { mill } = await world.start({ pipelines: [stepsOf(turns)] });
    await mill.pause('steps');
    const [owner, other] = [await world.writer(), await world.writer()];
    await owner.insert({ key: 'a', n: 1 });
    await other.insert({ key: 'a', n: 2 });
    await owner.run('BEGIN');
    await owner.run("DELETE FROM millrace_inbox WHERE event LIKE '%1%'");
    await mill.resume('steps');
    await until(world.isWaitedFor);
    await owner.run('COMMIT');
    await turns.count(1);
    assert.equal(await mill.idle(10_000), true);
    assert.deepEqual(turns.of('a'), [2]);
  });

  test('rows of writers that lock their key before inserting come in commit order, across two engines that take over from each other', async (context) => {
    const world = await worldOf(context);
    const first = await world.start({ pipelines: [stepsOf(new Turns())] });
    await world.start({ pipelines: [stepsOf(new Turns())] });
    const reader = await world.writer();
    await reader.run('CREATE TABLE accounts (name VARCHAR(9) PRIMARY KEY, n INT NOT NULL)');
    for (const at of upTo(5)) await reader.run(`INSERT INTO accounts VALUES ('k${at}', 0)`);
    const write = async (writer: Writer, at: number) => {
      for (const round of upTo(40)) {
        const key = `k${1 + ((at + round) % 5)}`;
        await writer.run('BEGIN');
        await writer.run(`UPDATE accounts SET n = n + 1 WHERE name = '${key}'`);
        const [account] = await writer.run(`SELECT n FROM accounts WHERE name = '${key}'`);
        await writer.insert({ key, n: account?.n });
        await writer.run(round % 7 === 0 ? 'ROLLBACK' : 'COMMIT');
      }
    };
    const writers = await Promise.all(upTo(6).map(() => world.writer()));
    const written = Promise.all(writers.map(write));
    await untilRows(reader, 30);
    await first.mill.stop();
    await world.start({ pipelines: [stepsOf(new Turns())] });
    await written;
    const accounts = await reader.run('SELECT name, n FROM accounts ORDER BY name');
    await untilRows(
      reader,
      accounts.reduce((sum, { n }) => sum + Number(n), 0),
    );
    assert.deepEqual(
      await outcomeOf(reader),
      accounts.map(({ name, n }) => ({ key: name, numbers: upTo(Number(n)) })),
    );
  });
});
