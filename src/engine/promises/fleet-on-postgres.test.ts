import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { until } from '../../../test/until.ts';
import { postgres } from '../../store/postgres/postgres-store.ts';
import type { DeadLetter } from '../../store/store.ts';
import { type Mill, millrace } from '../mill.ts';
import { applied, type Behaviour, failing, isCode, steps, upTo } from './fixture.test.ts';

/** Lease length in tests that kill a process and wait for its leases to expire. */
const leaseMs = 1_000;
/** Lease length in all other tests: long enough for a busy machine, since nothing waits for these leases to expire. */
const longLeaseMs = 10_000;
/** Far longer than anything here takes. */
const settleMs = 30_000;
const keys = ['a', 'b', 'c', 'd', 'e', 'f'];

/** An engine in a separate process, which reports when it is working. */
const program = `
  const [url, schema, failing] = process.argv.slice(1);
  const of = (path) => import(new URL(path, ${JSON.stringify(import.meta.url)}));
  const { postgres } = await of('../../store/postgres/postgres-store.ts');
  const { millrace } = await of('../mill.ts');
  const { steps } = await of('./fixture.test.ts');
  const attempt = () => {
    if (failing !== undefined) throw new Error('not today');
  };
  const pipelines = [steps({ attempt }, { attempts: 1 })];
  await millrace({ store: postgres(url, { schema, partitions: 4, leaseMs: ${leaseMs} }), pipelines }).start();
  console.log('started');
`;

describe('a fleet on PostgreSQL', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  async function started(schema: string, { lease = longLeaseMs, behaviour = {} as Behaviour } = {}): Promise<Mill> {
    const store = postgres(server.url('postgres'), { schema, partitions: 4, leaseMs: lease });
    return (await millrace({ store, pipelines: [steps(behaviour, { attempts: 1 })] }).start()) as unknown as Mill;
  }

  async function startedElsewhere(schema: string, ...more: readonly string[]): Promise<ChildProcess> {
    const words = ['--input-type=module', '--eval', program, server.url('postgres'), schema, ...more];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => assert.fail('it could not start'))]);
    return child;
  }

  /** Ingests the nth step of every key, through each mill in turn. */
  async function step(mills: readonly Mill[], n: number): Promise<void> {
    await Promise.all(keys.map((key, at) => mills[(at + n) % mills.length]?.ingest('steps', { key, n })));
  }

  async function checkSteps(mills: readonly Mill[], last: number): Promise<void> {
    for (const mill of mills) {
      assert.equal(await mill.settled('steps', settleMs), true);
      for (const key of keys) {
        const rows = await mill.query(applied).selectAll().where('key', '=', key).orderBy('nth').execute();
        assert.deepEqual([key, rows.map(({ n }) => n)], [key, upTo(last)]);
        assert.deepEqual(await mill.state('steps', key), { steps: upTo(last) });
      }
    }
  }

  test('any process accepts events and answers reads; each event is handled once, in order', async () => {
    const schema = await server.createSchema();
    const mills = [await started(schema), await started(schema), await started(schema)];
    for (const n of upTo(10)) await step(mills, n);
    await checkSteps(mills, 10);
    const processed = mills.map((mill) => mill.counts().steps?.processed ?? 0);
    assert.equal(
      processed.reduce((sum, own) => sum + own, 0),
      10 * keys.length,
    );
    await Promise.all(mills.map((mill) => mill.stop()));
  });

  test('a stopping process hands over at once, and the others continue', async () => {
    const schema = await server.createSchema();
    const [first, ...others] = [await started(schema), await started(schema), await started(schema)];
    assert.ok(first);
    for (const n of upTo(3)) await step([first, ...others], n);
    await first.stop();
    for (const n of [4, 5]) await step(others, n);
    await checkSteps(others, 5);
    for (const mill of others) assert.deepEqual(mill.health(), { status: 'ok' });
    await Promise.all(others.map((mill) => mill.stop()));
  });

  test('a killed process’s partitions are taken over when its leases expire: nothing is lost or duplicated, and order is kept', async () => {
    const schema = await server.createSchema();
    let owner = await startedElsewhere(schema);
    const mill = await started(schema, { lease: leaseMs });
    for (let round = 0; round < 2; round += 1) {
      await step([mill], 3 * round + 1);
      const underWay = step([mill], 3 * round + 2);
      owner.kill('SIGKILL');
      await underWay;
      await step([mill], 3 * round + 3);
      await checkSteps([mill], 3 * round + 3);
      // The next process to be killed owns nothing until this one has stopped.
      owner = await startedElsewhere(schema);
    }
    await mill.stop();
    const again = await started(schema, { lease: leaseMs });
    owner.kill('SIGKILL');
    await step([again], 7);
    await checkSteps([again], 7);
    await again.stop();
  });

  async function lettersOf(mill: Mill): Promise<readonly DeadLetter[]> {
    for (;;) {
      const letters = await mill.deadLetters();
      if (letters.length === keys.length) return letters;
      await setImmediate();
    }
  }

  test('any process can redrive and discard letters owned by another, and gets the owner’s refusals', async () => {
    const schema = await server.createSchema();
    let isMended = false;
    const behaviour = { attempt: () => (isMended ? undefined : failing()) };
    const mills = [
      await started(schema, { behaviour }),
      await started(schema, { behaviour }),
      await started(schema, { behaviour }),
    ] as const;
    await step(mills, 1);
    const [first, ...others] = await lettersOf(mills[0]);
    await Promise.all(others.map(({ id }) => mills[0].discard(id)));
    await assert.rejects(mills[1].discard(others[0]?.id ?? ''), isCode('MILL_NOT_FOUND'));
    isMended = true;
    const redriven = await Promise.allSettled(mills.map((mill) => mill.redrive(first?.id ?? '')));
    assert.equal(redriven.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of redriven)
      if (outcome.status === 'rejected') assert.ok(isCode('MILL_NOT_FOUND')(outcome.reason) || isCode('MILL_CONFLICT')(outcome.reason));
    await step(mills, 2);
    for (const mill of mills) assert.equal(await mill.settled('steps', settleMs), true);
    for (const key of keys) assert.deepEqual(await mills[2].state('steps', key), { steps: key === first?.key ? [1, 2] : [2] });
    // The sender removes a command a moment after it gets the answer.
    await until(async () => (await server.query(`SELECT FROM "${schema}".millrace_commands`)).length === 0);
    await Promise.all(mills.map((mill) => mill.stop()));
  });

  test('a command to a killed process is carried out by the next owner, once', async () => {
    const schema = await server.createSchema();
    const owner = await startedElsewhere(schema, 'failing');
    const [mill, other] = [await started(schema), await started(schema)];
    const shares = async () => (await mill.fleet()).members.map(({ partitions }) => partitions);
    await until(async () => (await shares()).toSorted().join() === '1,1,2');
    const many = upTo(24).map((n) => `key ${n}`);
    await Promise.all(many.map((key) => mill.ingest('steps', { key, n: 1 })));
    assert.equal(await mill.settled('steps', settleMs), true);
    const letters = await mill.deadLetters();
    assert.ok(letters.length > 0 && letters.length < many.length, `${letters.length} letters`);
    owner.kill('SIGKILL');
    const ended = await Promise.allSettled([...letters, ...letters].map(({ id }, at) => (at % 2 === 0 ? mill : other).redrive(id)));
    const done = ended.filter(({ status }) => status === 'fulfilled');
    assert.equal(done.length, letters.length);
    for (const outcome of ended)
      if (outcome.status === 'rejected') assert.ok(isCode('MILL_NOT_FOUND')(outcome.reason) || isCode('MILL_CONFLICT')(outcome.reason));
    for (const one of [mill, other]) assert.equal(await one.settled('steps', settleMs), true);
    for (const key of many) assert.deepEqual(await other.state('steps', key), { steps: [1] });
    assert.deepEqual(await mill.deadLetters(), []);
    await Promise.all([mill.stop(), other.stop()]);
  });
});
