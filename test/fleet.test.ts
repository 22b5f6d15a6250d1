import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Link } from '../sim/fleet/link.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import { Program, temporaryFolder } from './program.ts';
import { visits } from './visits.ts';

const pages = Array.from({ length: 40 }, (_, at) => `page-${at}`);
const partitions = 32;
/** Whatever happens to the database, a request is answered within this time, in milliseconds. */
const answeredWithinMs = 5_000;
/** Far longer than anything here takes, in milliseconds. */
const patienceMs = 30_000;

interface FleetAnswer {
  readonly members: readonly { readonly pid: number; readonly partitions: number; readonly self: boolean }[];
  readonly partitions: number;
  readonly unowned: number;
}

function post(url: string, page: string): Promise<Response> {
  return fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: JSON.stringify({ page }) });
}

/** Undefined for a key that is not known yet. */
async function countOf(url: string, page: string): Promise<number | undefined> {
  const { state } = (await (await fetch(`${url}/pipelines/visits/keys/${page}`)).json()) as { state?: { count: number } };
  return state?.count;
}

async function fleetOf(url: string): Promise<FleetAnswer> {
  return (await fetch(`${url}/fleet`)).json() as Promise<FleetAnswer>;
}

/** Asks repeatedly for something that happens by itself, until the answer satisfies the condition; fails with the last answer after too long. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (const end = performance.now() + patienceMs; ; ) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    assert.ok(performance.now() < end, `still ${JSON.stringify(answer)}`);
    await wait(20);
  }
}

async function tookMs(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

describe('processes of one fleet', { skip: withoutPostgres }, () => {
  let postgres: PostgresServer;
  before(async () => {
    postgres = await PostgresServer.start({ isDurable: true });
  });
  after(() => postgres.stop());

  async function serve(context: TestContext, database: string): Promise<{ readonly program: Program; readonly url: string }> {
    const folder = temporaryFolder(context);
    writeFileSync(join(folder, 'visits.ts'), visits);
    const program = new Program(context, ['serve', './visits.ts', '--port', '0', '--database', database], { folder });
    return { program, url: await program.listening() };
  }

  /** Serves two processes, and waits until each has half of the partitions. */
  async function servePair(context: TestContext, database: string) {
    const first = await serve(context, database);
    const second = await serve(context, database);
    const isShared = ({ members }: FleetAnswer) => members.length === 2 && members.every((member) => member.partitions === partitions / 2);
    await until(() => fleetOf(first.url), isShared);
    return [first, second] as const;
  }

  /** Sends one event for each page. Resolves once each page, read there too, has had the expected number of turns. */
  async function visitAll(url: string, times: number): Promise<void> {
    const answers = await Promise.all(pages.map((page) => post(url, page)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
    await until(
      () => Promise.all(pages.map((page) => countOf(url, page))),
      (counts) => counts.every((count) => count === times),
    );
  }

  test('each accepts any event and answers any read, the partitions are shared evenly, and a stopping one hands over at once', async (context) => {
    const database = await postgres.createDatabase();
    const [first, second] = await servePair(context, database);
    await visitAll(first.url, 1);
    await visitAll(second.url, 2);
    for (const page of pages) assert.equal(await countOf(first.url, page), 2);
    const { members, unowned } = await fleetOf(second.url);
    assert.deepEqual(
      members.map(({ pid, self }) => [pid, self]),
      [
        [first.program.child.pid, false],
        [second.program.child.pid, true],
      ],
    );
    assert.equal(unowned, 0);
    const { code } = await first.program.kill('SIGTERM');
    // If leases ran out instead of being released, the stopped process would stay in the table.
    const there = await postgres.query('SELECT pid FROM millrace_processes', database);
    assert.deepEqual([code, there], [0, [{ pid: second.program.child.pid }]]);
    await visitAll(second.url, 3);
    const left = await fleetOf(second.url);
    assert.deepEqual([left.members.length, left.members[0]?.partitions, left.unowned], [1, partitions, 0]);
  });

  test('a killed process’s work continues in the other within five seconds', async (context) => {
    const [first, second] = await servePair(context, await postgres.createDatabase());
    const usualMs = await tookMs(() => visitAll(second.url, 1));
    await first.program.kill('SIGKILL');
    const elapsedMs = await tookMs(() => visitAll(second.url, 2));
    assert.ok(elapsedMs - usualMs < 5_000, `${elapsedMs} ms, ${usualMs} ms before it was killed`);
  });

  test('while the database is away requests are refused soon and health says why, and everything resumes by itself afterwards', async (context) => {
    const { url } = await serve(context, await postgres.createDatabase());
    await visitAll(url, 1);
    await postgres.kill();
    await refusesSoon(url);
    await postgres.run();
    await goesOn(url);
  });

  test('the same happens if the connections to the database are half open', async (context) => {
    const link = await Link.to(postgres.port);
    context.after(() => link.close());
    const database = (await postgres.createDatabase()).replace(`:${postgres.port}/`, `:${link.port}/`);
    const { url } = await serve(context, database);
    await visitAll(url, 1);
    link.cut('lost');
    await refusesSoon(url);
    link.goOn();
    await goesOn(url);
  });

  async function refusesSoon(url: string): Promise<void> {
    const asks = [() => post(url, 'away'), () => fetch(`${url}/pipelines/visits/keys/page-1`), () => fetch(`${url}/fleet`)];
    // Requests that meet the outage as it begins, and later ones.
    for (let round = 0; round < 2; round += 1) {
      const from = performance.now();
      for (const answer of await Promise.all(asks.map((ask) => ask()))) {
        assert.equal(answer.status, 503, answer.url);
        assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
      }
      assert.ok(performance.now() - from < answeredWithinMs, `round ${round}: ${performance.now() - from} ms`);
    }
    const health = await until(
      () => fetch(`${url}/health`),
      ({ status }) => status === 503,
    );
    assert.notEqual(((await health.json()) as { reason: string }).reason, '');
  }

  /** Checks that an engine continues; a refused request may still have taken effect. */
  async function goesOn(url: string): Promise<void> {
    await until(
      () => post(url, 'back'),
      ({ status }) => status === 202,
    );
    await until(
      () => countOf(url, 'back'),
      (count = 0) => count > 0,
    );
    await visitAll(url, 2);
    await until(
      () => fetch(`${url}/health`),
      ({ status }) => status === 200,
    );
  }
});
