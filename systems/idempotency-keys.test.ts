import assert from 'node:assert/strict';
import * as z from 'zod';
import { serveAll } from './all.fixture.test.ts';
import { type StoreContext, testOn } from './stores.fixture.test.ts';

const test = testOn('memory', 'postgres', 'mariadb');

const Body = z.record(z.string(), z.unknown());

const uuid = '193270a9-c9cf-404a-8f83-838e71d9ae67';
const other = '293270a9-c9cf-404a-8f83-838e71d9ae67';
const reading = { type: 'sensor_data', source: 'iot_device', data: {} };
const update = { id: 'a', accountType: 'escrow', tokens: 5, callbackTimeMs: 60_000, version: 3 };
const launch = {
  metadata: { channel: uuid, messageNumber: 1, messageTime: '2022-02-02T19:39:05Z', messageType: 'RocketLaunched' },
  message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' },
};
const speech = { worker: 1, message: 'Hello', destination_worker: 2 };
const message = { to: '+90', content: 'Hello' };

async function serve(t: StoreContext) {
  const { url, mill } = await serveAll(t, { store: t.openStore().store });
  const post = async (path: string, body: unknown, key: string) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'idempotency-key': key } });
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const get = async (path: string) => Body.parse(await (await fetch(`${url}${path}`)).json());
  return { mill, post, get };
}

test('every system refuses a key that it cannot honour, and nothing is stored', async (t) => {
  const { mill, post } = await serve(t);
  for (const [path, body, key] of [
    ['/messages', launch, uuid],
    ['/events', { ...reading, id: other }, uuid],
    ['/events', reading, 'no UUID'],
    ['/events', reading, ''],
    ['/events/batch', { events: [reading] }, uuid],
    ['/accounts', update, uuid],
    ['/accounts', [update], 'a#3'],
    ['/messages/pending', message, 'no UUID'],
    ['/workers/messages', speech, 'k'.repeat(513)],
  ] as const) {
    assert.equal((await post(path, body, key)).status, 400, `${path} ${key}`);
  }
  assert.deepEqual(
    Object.values(mill.counts()).map(({ received }) => received),
    [0, 0, 0, 0, 0],
  );
});

test('the key of an event without an id becomes its id, and one that equals the event’s id is accepted', async (t) => {
  const { post } = await serve(t);
  for (const status of ['accepted', 'duplicate'])
    assert.deepEqual(await post('/events', reading, uuid.toUpperCase()), { status: 202, body: { id: uuid, status } });
  assert.deepEqual((await post('/events', { ...reading, id: uuid.toUpperCase() }, uuid)).body, { id: uuid, status: 'duplicate' });
  assert.deepEqual((await post('/accounts', update, 'a#3')).body, { status: 'accepted' });
});

test('a worker says only one thing under one key', async (t) => {
  const { post, get } = await serve(t);
  for (const status of ['accepted', 'duplicate'])
    assert.deepEqual((await post('/workers/messages', speech, 'k')).body, { id: 'k', status });
  assert.equal((await get('/workers/2')).messages_heard, 1);
});

test('a message is inserted once under its key, which is its id, and every request with it gets the same answer', async (t) => {
  const { post, get } = await serve(t);
  const first = await post('/messages/pending', message, uuid.toUpperCase());
  assert.deepEqual([first.status, first.body.id, first.body.content], [201, uuid, 'Hello']);
  assert.deepEqual(await post('/messages/pending', { ...message, content: 'Another' }, uuid), first);
  assert.equal((await get('/messages/pending')).total, 1);
  assert.deepEqual(await get(`/messages/${uuid}`), first.body);
});
