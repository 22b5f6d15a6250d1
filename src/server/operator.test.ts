import assert from 'node:assert/strict';
import { test } from 'node:test';
import { post, problemIn, serve } from './fixture.test.ts';

test('an event is accepted, and its key has the state', async (t) => {
  const { url } = await serve(t);
  const response = await post(`${url}/pipelines/visits/events`, { page: 'a/b ü' });
  assert.equal(response.status, 202);
  const { id, status } = JSON.parse(await response.text());
  assert.equal(status, 'accepted');
  assert.match(id, /^[0-9a-f-]{36}$/);
  const key = await fetch(`${url}/pipelines/visits/keys/${encodeURIComponent('a/b ü')}`);
  assert.deepEqual(JSON.parse(await key.text()).state, { count: 1 });
});

test('a batch is judged event by event', async (t) => {
  const { url } = await serve(t);
  const events = [
    { key: 'k', number: 1 },
    { key: 'k', number: 'two' },
    { key: 'k', number: 1 },
  ];
  const response = await post(`${url}/pipelines/numbered/events/batch`, { events });
  assert.equal(response.status, 202);
  assert.deepEqual(await response.json(), {
    accepted: 1,
    duplicates: 1,
    rejected: 1,
    results: [
      { index: 0, id: 'k#1', status: 'accepted' },
      { index: 1, status: 'rejected', errors: [{ path: 'number', message: 'Invalid input: expected number, received string' }] },
      { index: 2, id: 'k#1', status: 'duplicate' },
    ],
  });
});

test('a batch without a valid event is refused with every issue, and nothing is stored', async (t) => {
  const { url, mill } = await serve(t);
  const problem = await problemIn(await post(`${url}/pipelines/visits/events/batch`, { events: [{ page: '' }, 7] }));
  assert.equal(problem.status, 400);
  assert.deepEqual(
    problem.errors?.map(({ path }) => path),
    ['events[0].page', 'events[1]'],
  );
  assert.equal(mill.counts().visits?.received, 0);
});

test('a batch holds 1 to 1000 events', async (t) => {
  const { url } = await serve(t);
  const batchOf = (count: number) =>
    post(`${url}/pipelines/visits/events/batch`, { events: Array.from({ length: count }, () => ({ page: 'a' })) });
  assert.equal((await batchOf(1_000)).status, 202);
  for (const count of [0, 1_001])
    assert.deepEqual(
      (await problemIn(await batchOf(count))).errors?.map(({ path }) => path),
      ['events'],
    );
  for (const body of [[{ page: 'a' }], {}, { events: { page: 'a' } }]) {
    assert.equal((await problemIn(await post(`${url}/pipelines/visits/events/batch`, body))).code, 'MILL_INVALID_REQUEST');
  }
});

test('an unknown pipeline is 404', async (t) => {
  const { url } = await serve(t);
  for (const answer of [
    post(`${url}/pipelines/nobody/events`, {}),
    post(`${url}/pipelines/constructor/events/batch`, { events: [1] }),
    fetch(`${url}/pipelines/nobody/keys/k`),
  ]) {
    assert.equal((await problemIn(await answer)).code, 'MILL_NOT_FOUND');
  }
});

test('the pipelines are listed with their counts', async (t) => {
  const { url, mill } = await serve(t);
  await post(`${url}/pipelines/visits/events`, { page: 'a' });
  await mill.settled('visits', 10_000);
  const { items } = JSON.parse(await (await fetch(`${url}/pipelines`)).text());
  assert.deepEqual(
    items.map(({ name, received, processed, depth }: Record<string, unknown>) => ({ name, received, processed, depth })),
    [
      { name: 'visits', received: 1, processed: 1, depth: 0 },
      { name: 'numbered', received: 0, processed: 0, depth: 0 },
    ],
  );
});

test('the pipelines are listed with every counted figure', async (t) => {
  const { url, mill } = await serve(t);
  const { items } = JSON.parse(await (await fetch(`${url}/pipelines`)).text());
  const { distributions: _, ...figures } = mill.counts().visits ?? assert.fail('no counts');
  const [{ health, trouble, now, ...listed }] = items;
  assert.deepEqual(listed, { name: 'visits', ...figures });
  assert.deepEqual([health, trouble, now.in], ['idle', null, 0]);
  assert.equal(items[0].validationTimeouts, 0);
});
