import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { type InboxTable, inboxInsert, inboxRow } from '../../sources/inbox.ts';
import { onPostgres, withPostgres } from './inbox.fixture.test.ts';
import { stepsOf, Turns } from './steps.fixture.test.ts';

async function clientOf(context: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  context.after(() => client.end());
  return client;
}

withPostgres('the inbox of PostgreSQL', () => {
  test('statements of pg and of Kysely write within their own transactions', async (context) => {
    const world = await onPostgres(context);
    const turns = new Turns();
    const steps = stepsOf(turns);
    await world.start({ pipelines: [steps] });
    const client = await clientOf(context, world.address);
    const kysely = new Kysely<{ millrace_inbox: InboxTable }>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: world.address }) }),
    });
    context.after(() => kysely.destroy());
    await client.query('BEGIN');
    await client.query(inboxInsert(steps, { key: 'a', n: 1 }));
    await client.query('ROLLBACK');
    const refused = kysely.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('millrace_inbox')
        .values(inboxRow(steps, { key: 'a', n: 2 }))
        .execute();
      throw new Error('not this one');
    });
    await assert.rejects(refused, /not this one/);
    await client.query(inboxInsert(steps, { key: 'a', n: 3 }, { id: 'three' }));
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
    await client.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('steps', jsonb_build_object('key', 'a', 'n', 5))");
    await turns.count(3);
    assert.deepEqual(turns.of('a'), [3, 4, 5]);
  });

  test('a program that may only insert can write, and the database announces the first waiting row', async (context) => {
    const world = await onPostgres(context);
    const { mill } = await world.start({ pipelines: [stepsOf(new Turns())] });
    await mill.stop();
    const owner = await clientOf(context, world.address);
    const role = `app_${process.pid}_${Date.now()}`;
    await owner.query(`CREATE ROLE ${role}; GRANT INSERT ON millrace_inbox TO ${role}`);
    const app = await clientOf(context, world.address);
    await app.query(`SET ROLE ${role}; SET search_path TO pg_catalog`);
    let heard = 0;
    owner.on('notification', () => {
      heard += 1;
    });
    await owner.query('LISTEN millrace_inbox');
    const insert = () =>
      app.query("INSERT INTO public.millrace_inbox (pipeline, event) SELECT 'steps', nth::text FROM generate_series(1, 3) AS nth");
    // It would shadow the real table if the trigger looked in the temporary schema first.
    await app.query('CREATE TEMP TABLE millrace_inbox (pipeline text, place int8)');
    await insert();
    await insert();
    await owner.query('SELECT 1');
    assert.equal(heard, 1);
    await owner.query('DELETE FROM millrace_inbox');
    await insert();
    await owner.query('SELECT 1');
    assert.equal(heard, 2);
    await owner.query(`REVOKE ALL ON millrace_inbox FROM ${role}`);
  });
});
