import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { post, problemIn, type Served, serve } from './fixture.test.ts';

async function list({ url }: Pick<Served, 'url'>, query: string) {
  const response = await fetch(`${url}/pipelines/numbered/gaps${query}`);
  assert.equal(response.status, 200, query);
  return JSON.parse(await response.text());
}

test('keys that wait for a number are listed, oldest first, page by page', async (t) => {
  const served = await serve(t);
  for (const [key, numbers] of [
    ['b', [7]],
    ['a', [1, 3, 4]],
  ] as const) {
    for (const number of numbers) await served.mill.ingest('numbered', { key, number });
    await served.mill.settled('numbered', 10_000);
  }
  const { items, ...rest } = await list(served, '');
  assert.deepEqual(rest, {});
  for (const { since } of items) assert.equal(new Date(since).toISOString(), since);
  const gaps = items.map(({ since: _, ...gap }: { since: string }) => gap);
  const expected = [
    { key: 'a', next: 2, first: 3, pending: 2 },
    { key: 'b', next: 1, first: 7, pending: 1 },
  ];
  assert.deepEqual(
    gaps.toSorted((one: { key: string }, other: { key: string }) => (one.key < other.key ? -1 : 1)),
    expected,
  );
  const first = await list(served, '?limit=1');
  const second = await list(served, `?limit=1&cursor=${first.nextCursor}`);
  assert.deepEqual([...first.items, ...second.items], items);
  assert.equal('nextCursor' in second, false);
});

test('a pipeline without numbers has an empty list, an unknown one is 404, and an invalid parameter is refused', async (t) => {
  const served = await serve(t);
  const { url } = served;
  assert.deepEqual(await (await fetch(`${url}/pipelines/visits/gaps`)).json(), { items: [] });
  assert.equal((await fetch(`${url}/pipelines/nobody/gaps`)).status, 404);
  for (const query of ['limit=0', 'limit=101', 'cursor=oops', 'cursor=WzFd', 'cursor=WzEuNSwiYSJd', 'age=5']) {
    const problem = await problemIn(await fetch(`${url}/pipelines/numbered/gaps?${query}`));
    assert.deepEqual(
      problem.errors?.map(({ path }) => path),
      [query.split('=')[0]],
      query,
    );
  }
});

const watched = pipeline('watched', {
  event: z.object({ key: z.string(), number: z.int() }),
  key: ({ key }) => key,
  order: { by: ({ number }) => number, gap: { skipAfter: '1h', maxJump: 50 }, alarmAfter: 0 },
  handle: () => undefined,
});

test('health says how many keys wait and for how long; an alarm is a warning, and work continues', async (t) => {
  const { url, mill } = await serve(t, { pipelines: [watched] });
  await mill.ingest('watched', { key: 'a', number: 3 });
  await mill.gaps('watched');
  const response = await fetch(`${url}/health`);
  assert.equal(response.status, 200);
  const { status, warnings, gaps } = JSON.parse(await response.text());
  assert.equal(status, 'ok');
  assert.match(warnings[0], /^pipeline watched: key a waits for number 1 since 20/);
  assert.deepEqual(gaps, { watched: { keys: 1, oldestSeconds: 0 } });
  const { items } = JSON.parse(await (await fetch(`${url}/concerns`)).text());
  assert.deepEqual(
    items.map(({ kind, pipeline, count }: Record<string, unknown>) => [kind, pipeline, count]),
    [['gap', 'watched', 1]],
  );
});

test('a number too far ahead is 409, and a pipeline holding too much is 503 with Retry-After and the reason', async (t) => {
  const { url } = await serve(t, { pipelines: [watched], limits: { held: 1 } });
  const send = (key: string, number: number) => post(`${url}/pipelines/watched/events`, { key, number });
  const far = await send('a', 52);
  assert.equal(far.status, 409);
  assert.equal((await problemIn(far)).code, 'MILL_EVENT_TOO_EARLY');
  assert.equal((await send('a', 51)).status, 202);
  const full = await send('b', 2);
  assert.deepEqual([full.status, full.headers.get('retry-after')], [503, '5']);
  assert.match((await problemIn(full)).detail ?? '', /held\) is reached, and key b waits for lower numbers/);
  assert.equal((await send('b', 1)).status, 202);
});
