import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { digestOf, newSecret } from './access/token.ts';
import { Tokens } from './access/tokens.ts';
import { post, problemIn, type Served, serve } from './fixture.test.ts';

/** A server that requires tokens: the headers of ann, who may do everything, and of bob, who may do everything to visits. */
async function serveWithTokens(
  t: TestContext,
): Promise<Served & { readonly ann: Record<string, string>; readonly bob: Record<string, string> }> {
  const [ofAnn, ofBob] = [newSecret(), newSecret()];
  const tokens = new Tokens([
    { name: 'ann', role: 'operate', digest: digestOf(ofAnn), pipelines: undefined },
    { name: 'bob', role: 'operate', digest: digestOf(ofBob), pipelines: new Set(['visits']) },
  ]);
  const served = await serve(t, { access: { tokens } });
  return { ...served, ann: { authorization: `Bearer ${ofAnn}` }, bob: { authorization: `Bearer ${ofBob}` } };
}

async function listed(url: string, headers: Record<string, string> = {}, query = '') {
  const response = await fetch(`${url}/audit${query}`, { headers });
  assert.equal(response.status, 200);
  return JSON.parse(await response.text());
}

const told = ({ items }: { items: readonly Record<string, unknown>[] }) =>
  items.map(({ who, action, pipeline, key, reason }) => [who, action, pipeline, key, reason]);

test('operators’ actions are listed with who did them and why, latest first', async (t) => {
  const { url, mill, ann, bob } = await serveWithTokens(t);
  for (const page of ['poison-1', 'poison-2']) await mill.ingest('visits', { page });
  await mill.settled('visits', 10_000);
  const [first, second] = await mill.deadLetters();
  const calls = [
    ['/pipelines/visits/pause', { reason: 'a bad release' }, bob],
    ['/pipelines/visits/events/discard?key=nobody', {}, ann],
    ['/pipelines/visits/resume', '', ann],
    [`/dead-letters/${first?.id}/redrive`, { reason: 'mended' }, ann],
    [`/dead-letters/${second?.id}/discard`, '', ann],
    ['/pipelines/visits/dead-letters/discard', { reason: 'the rest' }, ann],
  ] as const;
  for (const [path, body, headers] of calls) assert.equal((await post(`${url}${path}`, body, headers)).status, 200, path);
  const page = await listed(url, ann);
  assert.deepEqual(told(page), [
    ['ann', 'discard dead letters', 'visits', null, 'the rest'],
    ['ann', 'discard', 'visits', 'poison-2', null],
    ['ann', 'redrive', 'visits', 'poison-1', 'mended'],
    ['ann', 'resume', 'visits', null, null],
    ['ann', 'discard events', 'visits', 'nobody', null],
    ['bob', 'pause', 'visits', null, 'a bad release'],
  ]);
  assert.equal(page.items[1].subject, second?.id);
  for (const { at } of page.items) assert.equal(new Date(at).toISOString(), at);
  const start = await listed(url, ann, '?limit=4');
  const rest = await listed(url, ann, `?limit=4&cursor=${start.nextCursor}`);
  assert.deepEqual([...start.items, ...rest.items], page.items);
  assert.equal('nextCursor' in rest, false);
  assert.deepEqual(told(await listed(url, bob, '?pipeline=visits&key=poison-1')), [['ann', 'redrive', 'visits', 'poison-1', 'mended']]);
  assert.equal((await fetch(`${url}/audit`, { headers: bob })).status, 403);
  assert.equal((await fetch(`${url}/audit?pipeline=numbered`, { headers: bob })).status, 403);
});

test('if no token is required nobody is named, and refused actions are not listed', async (t) => {
  const { url } = await serve(t);
  assert.equal((await post(`${url}/pipelines/visits/pause`, '')).status, 200);
  assert.equal((await post(`${url}/pipelines/numbered/events/discard`, '')).status, 409);
  assert.equal((await post(`${url}/dead-letters/nobody/redrive`, '')).status, 404);
  assert.deepEqual(told(await listed(url)), [[null, 'pause', 'visits', null, null]]);
});

test('a reason that is too long, or any other body, is refused and nothing is done', async (t) => {
  const { url } = await serve(t);
  for (const body of [{ reason: 'x'.repeat(1_001) }, { reason: 7 }, { why: 'typo' }, []]) {
    assert.equal((await problemIn(await post(`${url}/pipelines/visits/pause`, body))).code, 'MILL_INVALID_REQUEST');
  }
  assert.deepEqual(await listed(url), { items: [] });
  for (const query of ['limit=0', 'cursor=oops', 'who=ann']) assert.equal((await fetch(`${url}/audit?${query}`)).status, 400, query);
});

test('a program’s call is listed only if it names somebody', async (t) => {
  const { url, mill } = await serve(t);
  await mill.pause('visits');
  await mill.resume('visits', { who: 'a script', reason: 'half \ud800' });
  assert.deepEqual(told(await listed(url)), [['a script', 'resume', 'visits', null, 'half \ufffd']]);
  await assert.rejects(mill.pause('visits', { who: 7 } as never), { code: 'MILL_INVALID_REQUEST', message: /^pause: by\.who: / });
});
