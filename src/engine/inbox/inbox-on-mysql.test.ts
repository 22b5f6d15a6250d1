import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kysely, MysqlDialect } from 'kysely';
import { createPool } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import { type InboxTable, inboxInsert, inboxRow } from '../../sources/inbox.ts';
import { onMariadb, queryAsAdministrator, withMariadb } from './inbox.fixture.test.ts';
import { stepsOf, Turns } from './steps.fixture.test.ts';

withMariadb('the inbox of MySQL', () => {
  test('statements of mysql2 and of Kysely write within their own transactions', async (context) => {
    const world = await onMariadb(context);
    const turns = new Turns();
    const steps = stepsOf(turns);
    await world.start({ pipelines: [steps] });
    const connection = await createConnection(world.address);
    context.after(() => connection.end());
    const kysely = new Kysely<{ millrace_inbox: InboxTable }>({ dialect: new MysqlDialect({ pool: createPool(world.address) }) });
    context.after(() => kysely.destroy());
    await connection.beginTransaction();
    await connection.query(inboxInsert(steps, { key: 'a', n: 1 }));
    await connection.rollback();
    const refused = kysely.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('millrace_inbox')
        .values(inboxRow(steps, { key: 'a', n: 2 }))
        .execute();
      throw new Error('not this one');
    });
    await assert.rejects(refused, /not this one/);
    await connection.execute(inboxInsert(steps, { key: 'a', n: 3 }, { id: 'three' }));
    await kysely.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('millrace_inbox')
        .values(inboxRow(steps, { key: 'a', n: 3 }, { id: 'three' }))
        .execute();
      await transaction
        .insertInto('millrace_inbox')
        .values(inboxRow(steps, { key: 'a', n: 4 }))
        .execute();
    });
    await connection.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('steps', JSON_OBJECT('key', 'a', 'n', 5))");
    await turns.count(3);
    assert.deepEqual(turns.of('a'), [3, 4, 5]);
  });

  test('a program that may only insert can write, in its own session’s character set', async (context) => {
    const world = await onMariadb(context);
    const turns = new Turns();
    await world.start({ pipelines: [stepsOf(turns)] });
    const url = new URL(world.address);
    const table = `${url.pathname.slice(1)}.millrace_inbox`;
    await queryAsAdministrator(`CREATE USER app IDENTIFIED BY 'secret'`);
    await queryAsAdministrator(`GRANT INSERT ON ${table} TO app`);
    url.username = 'app';
    url.searchParams.set('charset', 'latin1');
    const app = await createConnection(url.href);
    context.after(() => app.end());
    await app.query('INSERT INTO millrace_inbox (pipeline, event) VALUES (?, ?)', ['steps', JSON.stringify({ key: 'é', n: 1 })]);
    await turns.count(1);
    assert.deepEqual(turns.of('é'), [1]);
    await assert.rejects(app.query('SELECT * FROM millrace_inbox'), /denied/);
  });
});
