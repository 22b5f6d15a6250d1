import assert from 'node:assert/strict';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../../src/index.ts';
import { createServer } from '../../src/server/create-server.ts';
import { patientClock } from '../../test/patient-clock.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { accountsSystem } from './index.ts';
import { updatesTable } from './tables.ts';

const test = testOn('memory', 'postgres', 'mariadb');

const Body = z.record(z.string(), z.unknown());
const Listed = z.object({ items: z.array(z.looseObject({})), nextCursor: z.string().optional() });
const Refused = z.object({ errors: z.array(z.object({ path: z.string() })) });

/** A server without any accounts; the queries sent to the store are recorded. */
async function serve(context: StoreContext) {
  const { store } = context.openStore();
  const queries: (readonly [sql: string, parameters: Parameters<typeof store.query>[1]])[] = [];
  const query = store.query.bind(store);
  store.query = (sql, parameters) => {
    queries.push([sql, parameters]);
    return query(sql, parameters);
  };
  const system = accountsSystem({ observe: () => undefined });
  const mill = await millrace({ store, pipelines: system.pipelines, clock: patientClock }).start();
  const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  context.after(() => server.stop(1000));
  const post = async (body: unknown) => {
    const answer = await fetch(`${url}/accounts`, { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const get = async (path: string) => {
    const answer = await fetch(`${url}/accounts${path}`);
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const list = async (path = '') => Listed.parse((await get(path)).body);
  /** All items of a list, page by page. */
  const collect = async (path: string) => {
    const pages = [await list(path)];
    for (let cursor = pages[0]?.nextCursor; cursor !== undefined && pages.length < 200; cursor = pages.at(-1)?.nextCursor) {
      pages.push(await list(`${path}&cursor=${cursor}`));
    }
    return pages.flatMap(({ items }) => items);
  };
  const plans = async () => {
    const details = await Promise.all(queries.map(([sql, parameters]) => query(`EXPLAIN QUERY PLAN ${sql}`, parameters)));
    return details.map((steps) => steps.map(({ detail }) => detail).join('; '));
  };
  return { mill, post, get, list, collect, queries, plans };
}

function update(id: string, version: number, changes: object = {}) {
  return { id, accountType: 'escrow', tokens: 5, callbackTimeMs: 60_000, data: { version }, version, ...changes };
}

const accepted = { status: 202, body: { status: 'accepted' } };

test('an update is accepted, the same version again a duplicate, an older one accepted and ignored', async (context) => {
  const { post, get, mill } = await serve(context);
  assert.deepEqual(await post(update('a', 2)), accepted);
  assert.deepEqual(await post(update('a', 2, { tokens: 9 })), { status: 202, body: { status: 'duplicate' } });
  assert.deepEqual(await post(update('a', 1)), accepted);
  const { status, body } = await get('/a');
  const { callbackDueAt, updatedAt, ...rest } = body;
  assert.deepEqual([status, rest], [200, update('a', 2)]);
  assert.equal(Date.parse(String(callbackDueAt)) - Date.parse(String(updatedAt)), 60_000);
  assert.equal(mill.counts().accounts?.ignored, 1);
});

test('an account whose callback has fired shows none pending', async (context) => {
  const { post, get } = await serve(context);
  await post(update('a', 1, { callbackTimeMs: 0 }));
  assert.ok(!('callbackDueAt' in (await get('/a')).body));
});

test('a malformed update is refused with all of its faults, and nothing is stored', async (context) => {
  const { post, list } = await serve(context);
  const { status, body } = await post({ id: '', tokens: -1, accountType: 'escrow', callbackTimeMs: 0 });
  assert.equal(status, 400);
  assert.deepEqual(
    Refused.parse(body).errors.map(({ path }) => path),
    ['id', 'tokens'],
  );
  for (const wrong of ['text', 5, true, {}]) assert.equal((await post(wrong)).status, 400);
  assert.deepEqual(await list(), { items: [] });
});

test('an array is judged update by update', async (context) => {
  const { post, list } = await serve(context);
  const { status, body } = await post([update('a', 1), { id: 'b' }, update('a', 1), update('c', 0)]);
  assert.equal(status, 202);
  const { results, ...counts } = body;
  assert.deepEqual(counts, { accepted: 2, duplicates: 1, rejected: 1 });
  assert.deepEqual(
    z
      .array(z.looseObject({}))
      .parse(results)
      .map(({ index, id, status }) => [index, id, status]),
    [
      [0, 'a#1', 'accepted'],
      [1, undefined, 'rejected'],
      [2, 'a#1', 'duplicate'],
      [3, 'c#0', 'accepted'],
    ],
  );
  assert.deepEqual(
    (await list()).items.map(({ id }) => id),
    ['a', 'c'],
  );
});

test('an array has 1 to 1000 updates, at least one of them valid; otherwise nothing is stored', async (context) => {
  const { post, mill } = await serve(context);
  const many = (count: number) => Array.from({ length: count }, (_, index) => update('a', index));
  for (const wrong of [[], many(1001)]) assert.equal((await post(wrong)).status, 400);
  const none = await post([{}, update('', 1)]);
  assert.equal(none.status, 400);
  assert.deepEqual(
    Refused.parse(none.body).errors.map(({ path }) => path),
    ['[0].id', '[0].accountType', '[0].tokens', '[0].callbackTimeMs', '[1].id'],
  );
  assert.deepEqual(await mill.query(updatesTable).selectAll().execute(), []);
  assert.equal((await post(many(1000))).body.accepted, 1000);
});

test('an id with any characters finds its account, and an unknown one is 404', async (context) => {
  const { post, get } = await serve(context);
  for (const id of ['a/b?c#d%', '🚀 ü', 'updates', 'x'.repeat(490)]) {
    await post(update(id, 1));
    assert.equal((await get(`/${encodeURIComponent(id)}`)).body.id, id);
    assert.equal((await get(`/${encodeURIComponent(id)}/updates`)).status, 200);
  }
  for (const path of ['/nobody', '/nobody/updates']) assert.equal((await get(path)).status, 404);
});

test('an account’s updates are listed by version, each with its callback’s fate', async (context) => {
  const { post, collect, list } = await serve(context);
  await post(update('a', 1, { callbackTimeMs: 0 }));
  await post(Array.from({ length: 30 }, (_, index) => update('a', index + 2)));
  await post(update('b', 7));
  const versions = await collect('/a/updates?limit=7');
  assert.deepEqual(
    versions.map(({ version }) => version),
    Array.from({ length: 31 }, (_, index) => index + 1),
  );
  const ends = versions.map((one) => ['callbackAt', 'cancelledAt', 'cancelledBy'].filter((name) => name in one).join(' '));
  assert.deepEqual(ends, ['callbackAt', ...Array.from({ length: 29 }, () => 'cancelledAt cancelledBy'), '']);
  assert.equal((await list('/a/updates')).items.length, 20);
});

/** 40 accounts of three types; several with the same tokens and versions. */
function mixture() {
  const types = ['escrow', 'mint', 'auction'];
  return Array.from({ length: 40 }, (_, index) =>
    update(`account-${String((index * 17) % 40).padStart(2, '0')}`, index % 7, { accountType: types[index % 3], tokens: (index * 7) % 11 }),
  );
}

test('the list is sorted and filtered, and its pages make up the whole', async (context) => {
  const { post, collect, list } = await serve(context);
  const updates = mixture();
  await post(updates);
  const byId = updates.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  const expected = {
    'sort=id': byId,
    'order=desc': byId.toReversed(),
    'sort=tokens': byId.toSorted((one, other) => other.tokens - one.tokens),
    'sort=tokens&order=asc': byId.toSorted((one, other) => one.tokens - other.tokens),
    'sort=version': byId.toSorted((one, other) => other.version - one.version),
    'sort=version&order=asc': byId.toSorted((one, other) => one.version - other.version),
  };
  for (const [query, sorted] of Object.entries(expected)) {
    for (const type of [undefined, 'mint']) {
      const ids = sorted.filter(({ accountType }) => type === undefined || accountType === type).map(({ id }) => id);
      for (const limit of [1, 7, 100]) {
        const path = `?${query}&limit=${limit}${type === undefined ? '' : `&type=${type}`}`;
        assert.deepEqual(
          (await collect(path)).map(({ id }) => id),
          ids,
          path,
        );
      }
    }
  }
  assert.deepEqual(await list('?type=nothing'), { items: [] });
  assert.equal((await list()).items.length, 20);
});

test('the highest account of each type has the most tokens in its latest version, and on a tie the lowest id', async (context) => {
  const { post, list, collect } = await serve(context);
  await post([
    ...[update('a', 1, { tokens: 100 }), update('a', 2, { tokens: 1 }), update('c', 1, { tokens: 7 }), update('b', 1, { tokens: 7 })],
    ...[
      update('d', 1, { accountType: 'mint', tokens: 0 }),
      update('e', 1, { tokens: 500 }),
      update('e', 2, { accountType: 'mint', tokens: 0 }),
    ],
  ]);
  const { items } = await list('/highest');
  assert.deepEqual(
    items.map(({ accountType, id, version, tokens }) => [accountType, id, version, tokens]),
    [
      ['escrow', 'b', 1, 7],
      ['mint', 'd', 1, 0],
    ],
  );
  assert.deepEqual(await collect('/highest?limit=1'), items);
});

testOn('memory')('lists and the highest accounts are read along an index, and the updates never', async (context) => {
  const { post, list, queries, plans } = await serve(context);
  await post(mixture());
  queries.length = 0;
  await list('/highest');
  for (const query of ['sort=id', 'sort=tokens', 'sort=version', 'type=mint&sort=tokens']) await list(`?${query}`);
  const [highest = '', ...lists] = await plans();
  assert.match(highest, /USING (COVERING )?INDEX accounts_account_type_tokens_id_idx/);
  assert.doesNotMatch(highest, /account_updates|SCAN accounts(?! USING)/);
  // One statement for the list by id, and three for each page in descending order of another value.
  assert.equal(lists.length, 1 + 3 * 3);
  for (const plan of lists) assert.doesNotMatch(plan, /B-TREE FOR ORDER BY/);
});

test('an invalid parameter is 400 and named', async (context) => {
  const { post, get, list } = await serve(context);
  await post([update('a', 1), update('b', 1)]);
  const { nextCursor } = await list('?limit=1&sort=tokens');
  const wrong: readonly [path: string, parameter: string][] = [
    ['?sort=data', 'sort'],
    ['?sort=tokens&sort=id', 'sort'],
    ['?order=up', 'order'],
    ['?type=', 'type'],
    ['?limit=0', 'limit'],
    ['?limit=101', 'limit'],
    ['?cursor=x', 'cursor'],
    [`?sort=version&cursor=${nextCursor}`, 'cursor'],
    [`?sort=tokens&order=asc&cursor=${nextCursor}`, 'cursor'],
    ['/highest?limit=x', 'limit'],
    ['/highest?cursor=x', 'cursor'],
    ['/a/updates?limit=x', 'limit'],
    ['/a/updates?cursor=x', 'cursor'],
  ];
  for (const [path, parameter] of wrong) {
    const { status, body } = await get(path);
    assert.equal(status, 400, path);
    assert.deepEqual(
      Refused.parse(body).errors.map((error) => error.path),
      [parameter],
      path,
    );
  }
});

test('the cursor of the highest accounts works whatever the longest types contain', async (context) => {
  const { post, collect } = await serve(context);
  const types = ['\u0001', '火'].map((character) => character.repeat(512));
  for (const [version, accountType] of types.entries())
    await post({ id: `a${version}`, accountType, tokens: 1, callbackTimeMs: 0, version });
  assert.deepEqual(
    (await collect('/highest?limit=1')).map(({ accountType }) => accountType),
    types,
  );
});
