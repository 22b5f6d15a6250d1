import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../../src/index.ts';
import { createServer } from '../../src/server/create-server.ts';
import { configure } from '../../src/server/index.ts';
import { patientClock } from '../../test/patient-clock.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { rockets } from './index.ts';
import type { RocketMessage } from './message.ts';
import { apply, type Rocket } from './rocket.ts';

const test = testOn('memory', 'postgres', 'mariadb');

const Body = z.record(z.string(), z.unknown());
const Listed = z.object({
  count: z.int(),
  rockets: z.array(z.looseObject({ id: z.string() })),
  sort: z.string(),
  order: z.string(),
  nextCursor: z.string().optional(),
});
const History = z.object({ items: z.array(z.looseObject({ messageNumber: z.int() })), nextCursor: z.string().optional() });
const Refused = z.object({ errors: z.array(z.object({ path: z.string() })) });

/** A server without any rockets. */
async function serve(context: StoreContext) {
  const system = configure(rockets, {});
  const mill = await millrace({ store: context.openStore().store, pipelines: system.pipelines, clock: patientClock }).start();
  const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  context.after(() => server.stop(1000));
  const post = async (message: unknown) => {
    const answer = await fetch(`${url}/messages`, { method: 'POST', body: JSON.stringify(message) });
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`);
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const list = async (query = '') => Listed.parse((await get(`/rockets${query}`)).body);
  const history = async (rocket: number, query = '') => History.parse((await get(`/rockets/${idOf(rocket)}/history${query}`)).body);
  return { post, get, list, history };
}

const idOf = (rocket: number) => `193270a9-c9cf-404a-8f83-${String(rocket).padStart(12, '0')}`;

function at(rocket: number, messageNumber: number) {
  return { channel: idOf(rocket), messageNumber, messageTime: `2022-02-02T19:39:05.${messageNumber}+01:00` };
}

function launch(rocket: number, changes: object = {}) {
  const message = { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS', ...changes };
  return { metadata: { ...at(rocket, 1), messageType: 'RocketLaunched' as const }, message };
}

function faster(rocket: number, number: number, by: number) {
  return { metadata: { ...at(rocket, number), messageType: 'RocketSpeedIncreased' as const }, message: { by } };
}

const accepted = { status: 202, body: { status: 'accepted' } };
const duplicate = { status: 202, body: { status: 'duplicate' } };

test('a message is accepted once and is a duplicate from then on, applied or waiting', async (context) => {
  const { post } = await serve(context);
  assert.deepEqual(await post(launch(1)), accepted);
  assert.deepEqual(await post(launch(1)), duplicate);
  assert.deepEqual(await post(faster(1, 5, 10)), accepted);
  assert.deepEqual(await post(faster(1, 5, 10)), duplicate);
});

test('the first of two messages with the same number counts', async (context) => {
  const { post, get } = await serve(context);
  await post(launch(1));
  await post(faster(1, 3, 30));
  assert.deepEqual(await post(faster(1, 3, 9999)), duplicate);
  await post(faster(1, 2, 20));
  assert.deepEqual(await post(faster(1, 2, 9999)), duplicate);
  assert.equal((await get(`/rockets/${idOf(1)}`)).body.speed, 550);
});

test('a message that arrives before its predecessors waits, and is counted as pending', async (context) => {
  const { post, get, list } = await serve(context);
  await post(faster(1, 3, 30));
  assert.equal((await get(`/rockets/${idOf(1)}`)).status, 404);
  assert.equal((await list()).count, 0);
  await post(launch(1));
  const waiting = {
    id: idOf(1),
    type: 'Falcon-9',
    speed: 500,
    mission: 'ARTEMIS',
    status: 'ACTIVE',
    lastMessageNumber: 1,
    lastUpdated: at(1, 1).messageTime,
  };
  assert.deepEqual((await get(`/rockets/${idOf(1)}`)).body, { ...waiting, pendingMessages: 1 });
  assert.deepEqual((await list()).rockets, [{ ...waiting, pendingMessages: 1 }]);
  await post(faster(1, 2, 20));
  const done = { ...waiting, speed: 550, lastMessageNumber: 3, lastUpdated: at(1, 3).messageTime, pendingMessages: 0 };
  assert.deepEqual((await get(`/rockets/${idOf(1)}`)).body, done);
});

test('a UUID in upper case means the same rocket', async (context) => {
  const { post, get } = await serve(context);
  const upper = { ...launch(1), metadata: { ...launch(1).metadata, channel: idOf(1).toUpperCase() } };
  assert.deepEqual(await post(upper), accepted);
  assert.deepEqual(await post(launch(1)), duplicate);
  assert.equal((await get(`/rockets/${idOf(1).toUpperCase()}`)).body.id, idOf(1));
});

test('an exploded rocket shows its reason, in the list too', async (context) => {
  const { post, get, list } = await serve(context);
  await post(launch(1));
  await post({ metadata: { ...at(1, 2), messageType: 'RocketExploded' }, message: { reason: 'ENGINE_FAILURE' } });
  const { body } = await get(`/rockets/${idOf(1)}`);
  assert.deepEqual([body.status, body.explosionReason, body.speed], ['EXPLODED', 'ENGINE_FAILURE', 500]);
  assert.deepEqual((await list()).rockets, [body]);
});

test('a rocket whose first message is not a launch does not exist until it is launched', async (context) => {
  const { post, get, history } = await serve(context);
  assert.deepEqual(await post(faster(1, 1, 10)), accepted);
  assert.equal((await get(`/rockets/${idOf(1)}`)).status, 404);
  assert.equal((await get(`/rockets/${idOf(1)}/history`)).status, 404);
  await post({ ...launch(1), metadata: { ...launch(1).metadata, messageNumber: 2 } });
  assert.equal((await get(`/rockets/${idOf(1)}`)).body.lastMessageNumber, 2);
  assert.equal((await history(1)).items.length, 1);
});

test('an id that is not a UUID is 400, and an unknown one 404', async (context) => {
  const { get } = await serve(context);
  for (const path of ['/rockets/x', '/rockets/x/history']) assert.equal((await get(path)).status, 400);
  for (const path of [`/rockets/${idOf(9)}`, `/rockets/${idOf(9)}/history`]) assert.equal((await get(path)).status, 404);
});

test('rockets are sorted as requested, ties by id', async (context) => {
  const { post, list } = await serve(context);
  await post(launch(3, { type: 'B', launchSpeed: 100, mission: 'X' }));
  await post(launch(1, { type: 'B', launchSpeed: 300, mission: 'Y' }));
  await post(launch(2, { type: 'A', launchSpeed: 100, mission: 'X' }));
  await post({ metadata: { ...at(2, 2), messageType: 'RocketExploded' }, message: { reason: 'x' } });
  const listed = async (query: string) => {
    const { count, sort, order, rockets, nextCursor } = await list(query);
    assert.deepEqual([count, nextCursor], [3, undefined]);
    return [sort, order, ...rockets.map(({ id }) => [1, 2, 3].find((rocket) => idOf(rocket) === id))];
  };
  assert.deepEqual(await listed(''), ['id', 'asc', 1, 2, 3]);
  assert.deepEqual(await listed('?sort=id&order=desc'), ['id', 'desc', 3, 2, 1]);
  assert.deepEqual(await listed('?sort=speed'), ['speed', 'desc', 1, 2, 3]);
  assert.deepEqual(await listed('?sort=speed&order=asc'), ['speed', 'asc', 2, 3, 1]);
  assert.deepEqual(await listed('?sort=type'), ['type', 'asc', 2, 1, 3]);
  assert.deepEqual(await listed('?sort=type&order=desc'), ['type', 'desc', 1, 3, 2]);
  assert.deepEqual(await listed('?sort=mission'), ['mission', 'asc', 2, 3, 1]);
  assert.deepEqual(await listed('?sort=status'), ['status', 'asc', 1, 3, 2]);
  assert.deepEqual(await listed('?order=desc'), ['id', 'desc', 3, 2, 1]);
});

test('the pages of every order make up the whole list', async (context) => {
  const { post, list } = await serve(context);
  for (let rocket = 1; rocket <= 7; rocket++) await post(launch(rocket, { type: `T${rocket % 2}`, launchSpeed: rocket % 3 }));
  for (const sort of ['id', 'type', 'speed', 'mission', 'status']) {
    for (const order of ['asc', 'desc']) {
      const query = `?sort=${sort}&order=${order}`;
      const whole = await list(query);
      assert.equal(whole.rockets.length, 7);
      const pages = [await list(`${query}&limit=3`)];
      for (let cursor = pages[0]?.nextCursor; cursor !== undefined; cursor = pages.at(-1)?.nextCursor) {
        pages.push(await list(`${query}&limit=3&cursor=${cursor}`));
      }
      assert.deepEqual(
        pages.map(({ count, rockets }) => [count, rockets.length]),
        [
          [7, 3],
          [7, 3],
          [7, 1],
        ],
      );
      assert.deepEqual(
        pages.flatMap(({ rockets }) => rockets),
        whole.rockets,
      );
    }
  }
});

test('an invalid parameter is 400 and named, and so is a cursor from another order', async (context) => {
  const { post, get, list } = await serve(context);
  for (let rocket = 1; rocket <= 3; rocket++) await post(launch(rocket));
  const { nextCursor } = await list('?sort=speed&limit=1');
  assert.equal((await get(`/rockets?sort=speed&limit=1&cursor=${nextCursor}`)).status, 200);
  const wrong: readonly [string, string][] = [
    ['sort=colour', 'sort'],
    ['sort=', 'sort'],
    ['sort=id&sort=type', 'sort'],
    ['order=up', 'order'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=x', 'limit'],
    ['cursor=x', 'cursor'],
    [`cursor=${nextCursor}`, 'cursor'],
    [`sort=speed&order=asc&cursor=${nextCursor}`, 'cursor'],
    [`sort=type&order=desc&cursor=${nextCursor}`, 'cursor'],
  ];
  for (const [query, path] of wrong) {
    const { status, body } = await get(`/rockets?${query}`);
    assert.equal(status, 400, query);
    assert.deepEqual(
      Refused.parse(body).errors.map((error) => error.path),
      [path],
      query,
    );
  }
});

test('the history shows the applied messages in order, page by page', async (context) => {
  const { post, get, history } = await serve(context);
  for (const number of [4, 3, 2, 6]) await post(faster(1, number, number));
  await post(launch(1));
  const first = await history(1, '?limit=3');
  assert.deepEqual(first.items[0], {
    messageNumber: 1,
    messageTime: at(1, 1).messageTime,
    messageType: 'RocketLaunched',
    message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' },
  });
  const second = await history(1, `?limit=3&cursor=${first.nextCursor}`);
  const numbers = [...first.items, ...second.items].map(({ messageNumber }) => messageNumber);
  assert.deepEqual(numbers, [1, 2, 3, 4]);
  assert.equal(second.nextCursor, undefined);
  assert.equal((await get(`/rockets/${idOf(1)}/history?cursor=x`)).status, 400);
});

test('in whatever order and however often they arrive, the rocket is the fold of its messages by number', async (context) => {
  const { post, get } = await serve(context);
  let rocket = 0;
  const speeds = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 12 });
  const arrivals = speeds.chain((changes) => {
    const places = fc.array(fc.nat(changes.length), { maxLength: 12 });
    return fc.tuple(
      fc.constant(changes),
      places,
      fc.shuffledSubarray([...changes.keys(), changes.length], { minLength: changes.length + 1 }),
    );
  });
  await fc.assert(
    fc.asyncProperty(arrivals, async ([changes, repeated, order]) => {
      rocket += 1;
      const messages: RocketMessage[] = [launch(rocket), ...changes.map((by, index) => faster(rocket, index + 2, by))];
      for (const place of [...repeated, ...order]) await post(messages[place]);
      const expected = messages.reduce<Rocket | undefined>(apply, undefined);
      assert.deepEqual((await get(`/rockets/${idOf(rocket)}`)).body, { ...expected, pendingMessages: 0 });
    }),
    { numRuns: 30 },
  );
});

test('a page’s cursor works whatever the longest texts contain', async (context) => {
  const { post, list } = await serve(context);
  const texts = ['\u0001', '火'].map((character) => character.repeat(512));
  for (const [at, text] of texts.entries()) await post(launch(at + 1, { type: text, mission: text }));
  for (const order of ['asc', 'desc']) {
    for (const sort of ['type', 'mission']) {
      const { nextCursor = '' } = await list(`?sort=${sort}&order=${order}&limit=1`);
      const { rockets: rest } = await list(`?sort=${sort}&order=${order}&limit=1&cursor=${nextCursor}`);
      assert.deepEqual(
        rest.map(({ id }) => id),
        [idOf(order === 'asc' ? 2 : 1)],
      );
    }
  }
});
