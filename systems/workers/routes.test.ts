import assert from 'node:assert/strict';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../../src/index.ts';
import { createServer } from '../../src/server/create-server.ts';
import { configure } from '../../src/server/index.ts';
import { patientClock } from '../../test/patient-clock.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { workersSystem } from './index.ts';

const test = testOn('memory', 'postgres', 'mariadb');

const Body = z.record(z.string(), z.unknown());
const Listed = z.object({ items: z.array(z.looseObject({ worker: z.int() })), nextCursor: z.string().optional() });
const Refused = z.object({ type: z.string(), errors: z.array(z.object({ path: z.string(), message: z.string() })) });

/** A server whose workers have not said anything yet. */
async function serve(context: StoreContext, environment: Readonly<Record<string, string>> = {}) {
  const system = configure(workersSystem({ observe: () => undefined }), environment);
  const mill = await millrace({ store: context.openStore().store, pipelines: system.pipelines, clock: patientClock }).start();
  const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  context.after(() => server.stop(1000));
  const request = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}/workers${path}`, init);
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const say = (body: unknown) => request('/messages', { method: 'POST', body: JSON.stringify(body) });
  return { request, say };
}

const silent = { worker_listened: 0, message_listened: '', messages_heard: 0, messages_spoken: 0 };

test('accepted messages have been said and heard at the next look', async (context) => {
  const { request, say } = await serve(context);
  const answer = await say({ worker: 1, message: 'Hello', destination_worker: 2 });
  assert.equal(answer.status, 202);
  assert.deepEqual([answer.body.status, typeof answer.body.id], ['accepted', 'string']);
  await say({ worker: 2, message: 'Hi "größer"', destination_worker: 1 });
  assert.deepEqual(await request(''), {
    status: 200,
    body: {
      items: [
        { worker: 1, worker_listened: 2, message_listened: 'Hi "größer"', messages_heard: 1, messages_spoken: 1 },
        { worker: 2, worker_listened: 1, message_listened: 'Hello', messages_heard: 1, messages_spoken: 1 },
        ...[3, 4, 5].map((worker) => ({ worker, ...silent })),
      ],
    },
  });
  assert.deepEqual((await request('/2')).body.message_listened, 'Hello');
  assert.deepEqual(await request('/5'), { status: 200, body: { worker: 5, ...silent } });
});

test('there are as many workers as configured, in pages', async (context) => {
  const { request, say } = await serve(context, { TALKING_WORKERS: '47' });
  assert.equal((await say({ worker: 47, message: 'Hello', destination_worker: 1 })).status, 202);
  const numbers: number[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = Listed.parse((await request(`?limit=20${cursor && `&cursor=${cursor}`}`)).body);
    numbers.push(...page.items.map(({ worker }) => worker));
    cursor = page.nextCursor;
  }
  assert.deepEqual(
    numbers,
    Array.from({ length: 47 }, (_, at) => at + 1),
  );
  assert.throws(
    () => configure(workersSystem(), { TALKING_WORKERS: '0' }),
    /TALKING_WORKERS: expected an integer from 1 to 1000, found "0"/,
  );
});

test('malformed or out-of-range input is a problem naming the field, and nothing of it is said', async (context) => {
  const { request, say } = await serve(context);
  const good = { worker: 1, message: 'Hello', destination_worker: 2 };
  const wrong: readonly [body: unknown, path: string][] = [
    [{ ...good, worker: 0 }, 'worker'],
    [{ ...good, worker: 6 }, 'worker'],
    [{ ...good, worker: '1' }, 'worker'],
    [{ ...good, worker: 1.5 }, 'worker'],
    [{ ...good, destination_worker: 1e300 }, 'destination_worker'],
    [{ ...good, destination_worker: undefined }, 'destination_worker'],
    [{ ...good, message: 5 }, 'message'],
    [{ ...good, message: null }, 'message'],
    [[good], ''],
  ];
  for (const [body, path] of wrong) {
    const answer = await say(body);
    const { errors } = Refused.parse(answer.body);
    assert.deepEqual([answer.status, errors.map((error) => error.path)], [400, [path]]);
    assert.match(errors[0]?.message ?? '', /^expected .+, found .+$/);
  }
  assert.deepEqual((await request('/1')).body.messages_spoken, 0);
  for (const path of ['/0', '/6', '/999999999999999']) assert.equal((await request(path)).status, 404);
  for (const path of ['/one', '/-1', '/1.5', '?limit=0', '?cursor=x', '?cursor=WyJhIl0'])
    assert.equal((await request(path)).status, 400, path);
});
