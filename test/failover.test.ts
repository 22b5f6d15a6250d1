import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import type { Program } from './program.ts';
import { visits } from './visits.ts';
import { Yard } from './yard.ts';

async function serve(context: TestContext, database: string): Promise<{ readonly program: Program; readonly url: string }> {
  const program = new Yard(context, { 'visits.ts': visits }).start(['serve', './visits.ts', '--port', '0', '--database', database]);
  return { program, url: await program.listening() };
}

async function visit(url: string, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const { status } = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: '{"page":"home"}' });
    assert.equal(status, 202);
  }
}

/** Resolves once this many visits have had their turns; a read waits for them, but not for long. Fails if there are more. */
async function counted(url: string, visits: number): Promise<void> {
  for (let count = 0; count < visits; ) {
    const { state } = (await (await fetch(`${url}/pipelines/visits/keys/home`)).json()) as { state?: { count: number } };
    count = state?.count ?? 0;
    assert.ok(count <= visits, `${count} visits`);
  }
}

for (const isSettled of [true, false]) {
  const what = isSettled ? 'had their turns' : 'wait for theirs';
  test(`a failover that lost events that ${what} ends the process with one line that says so, and the next one continues from what is left`, {
    skip: withoutPostgres,
  }, async (context) => {
    const postgres = await PostgresServer.start({ isDurable: true });
    context.after(() => postgres.stop());
    const database = await postgres.createDatabase();
    const { program, url } = await serve(context, database);
    await visit(url, 3);
    await counted(url, 3);
    if (!isSettled) await fetch(`${url}/pipelines/visits/pause`, { method: 'POST' });
    await postgres.leaveBehind();
    await visit(url, 2);
    if (isSettled) await counted(url, 5);
    await postgres.failOver();
    const { code, stderr } = await program.ended;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^millrace: partition visits\/\d+: the store has lost data that it had acknowledged: expected [^\n]* 5 or [^\n]* 3$/m,
    );
    const next = await serve(context, database);
    await fetch(`${next.url}/pipelines/visits/resume`, { method: 'POST' });
    await counted(next.url, 3);
    await visit(next.url, 1);
    await counted(next.url, 4);
  });
}
