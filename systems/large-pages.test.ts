import assert from 'node:assert/strict';
import * as z from 'zod';
import { serveAll } from './all.fixture.test.ts';
import { type StoreContext, testOn } from './stores.fixture.test.ts';

const test = testOn('memory', 'postgres', 'mariadb');

const Page = z.object({ items: z.array(z.record(z.string(), z.unknown())), nextCursor: z.string().optional() });
type Item = z.infer<typeof Page>['items'][number];

/** The size limit of a page, plus its surroundings. */
const pageBytesMax = 2 * 1024 * 1024 + 10_000;
const large = 'x'.repeat(400_000);
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const uuid = (n: number) => `193270a9-c9cf-404a-8f83-${String(n).padStart(12, '0')}`;

async function serve(t: StoreContext) {
  const { url, mill } = await serveAll(t, { store: t.openStore().store });
  const post = async (path: string, body: unknown) => {
    const { status } = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    assert.equal(status, 202);
  };
  const read = async (path: string) => {
    const text = await (await fetch(`${url}${path}`)).text();
    return { text, page: Page.parse(JSON.parse(text)) };
  };
  /**
   * Reads all items page by page, and checks that no page is too large, that only the last lacks a cursor, and that the last is not empty.
   */
  const readAll = async (path: string) => {
    const items: Item[] = [];
    let pages = 0;
    for (let cursor: string | undefined = ''; cursor !== undefined; pages += 1) {
      const { text, page } = await read(`${path}${path.includes('?') ? '&' : '?'}limit=100${cursor && `&cursor=${cursor}`}`);
      assert.ok(text.length < pageBytesMax, `${path}: a page of ${text.length} bytes`);
      assert.ok(page.items.length > 0, path);
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    assert.ok(pages > 1, `${path}: ${pages} pages`);
    return items;
  };
  return { url, mill, post, read, readAll };
}

test('lists of large items are read completely page by page, each once and in order', async (t) => {
  const { mill, post, readAll } = await serve(t);
  for (const n of numbers(12)) {
    const source = n % 3 === 0 ? 'web' : 'system';
    const timestamp = `2026-11-30T10:00:${String(n).padStart(2, '0')}Z`;
    // One type has few events, so its list ends before the others.
    const type = n % 4 === 0 ? 'sensor_data' : n % 2 === 0 ? 'user_action' : 'system_log';
    await post('/events', { id: uuid(n), type, source, timestamp, data: n === 4 ? {} : { metadata: { large } } });
    await post('/accounts', { id: `a${n}`, accountType: 'escrow', tokens: n, callbackTimeMs: 0, data: { large }, version: 1 });
    await post('/accounts', { id: 'versions', accountType: 'mint', tokens: n, callbackTimeMs: 0, data: { large }, version: n });
  }
  await mill.idle(10_000);
  const newestFirst = numbers(12).reverse();
  assert.deepEqual(
    (await readAll('/events')).map(({ id }) => id),
    newestFirst.map(uuid),
  );
  assert.deepEqual(
    (await readAll('/events?source=system')).map(({ id }) => id),
    newestFirst.filter((n) => n % 3 !== 0).map(uuid),
  );
  assert.deepEqual(
    (await readAll('/accounts?sort=tokens&type=escrow')).map(({ id }) => id),
    newestFirst.map((n) => `a${n}`),
  );
  assert.deepEqual(
    (await readAll('/accounts/versions/updates')).map(({ version }) => version),
    numbers(12),
  );
});

test('long texts heard by workers are listed a few at a time', async (t) => {
  const { mill, post, url } = await serve(t);
  for (const n of numbers(5))
    await post('/workers/messages', { worker: n, message: 'y'.repeat(900_000), interval: 0, destination_worker: n });
  await mill.idle(10_000);
  const workers: unknown[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const text = await (await fetch(`${url}/workers?${cursor && `cursor=${cursor}`}`)).text();
    assert.ok(text.length < 2 * pageBytesMax);
    const page = Page.parse(JSON.parse(text));
    assert.ok(page.items.length < 5);
    workers.push(...page.items.map(({ worker }) => worker));
    cursor = page.nextCursor;
  }
  assert.deepEqual(workers, numbers(5));
});

const Rockets = z.object({ count: z.int(), rockets: z.array(z.looseObject({ id: z.string() })), sort: z.string(), order: z.string() });

test('a long list of rockets without a limit is complete and in order', async (t) => {
  const { mill, post, url, readAll } = await serve(t);
  const message = (n: number, messageNumber: number, messageType: string, what: object) =>
    post('/messages', { metadata: { channel: uuid(n), messageNumber, messageTime: '2022-02-02T19:39:05Z', messageType }, message: what });
  for (const n of numbers(16)) {
    await message(n, 1, 'RocketLaunched', { type: 'Falcon-9', launchSpeed: n % 5, mission: 'ARTEMIS' });
    await message(n, 2, 'RocketExploded', { reason: large });
  }
  await message(17, 1, 'RocketLaunched', { type: 'Falcon-9', launchSpeed: 9, mission: 'ARTEMIS' });
  for (const n of [2, 3, 4, 5, 6, 7]) await message(18, n, 'RocketMissionChanged', { newMission: 'm' });
  for (const n of numbers(7)) await message(1, n + 2, 'RocketExploded', { reason: large });
  await mill.idle(10_000);
  const list = async (query = '') => Rockets.parse(await (await fetch(`${url}/rockets${query}`)).json());
  const byId = await list();
  assert.deepEqual([byId.count, byId.sort, byId.order], [17, 'id', 'asc']);
  assert.deepEqual(
    byId.rockets.map(({ id }) => id),
    numbers(17).map(uuid),
  );
  assert.deepEqual(
    byId.rockets.find(({ id }) => id === uuid(17)),
    JSON.parse(await (await fetch(`${url}/rockets/${uuid(17)}`)).text()),
  );
  const bySpeed = await list('?sort=speed');
  const speedOf = (n: number) => (n === 17 ? 9 : n % 5);
  assert.deepEqual(
    bySpeed.rockets.map(({ id }) => id),
    numbers(17)
      .sort((a, b) => speedOf(b) - speedOf(a) || a - b)
      .map(uuid),
  );
  assert.deepEqual([bySpeed.count, bySpeed.order], [17, 'desc']);
  const limited = Rockets.extend({ nextCursor: z.string() }).parse(await (await fetch(`${url}/rockets?limit=100`)).json());
  assert.deepEqual([limited.count, limited.rockets.length < 17], [17, true]);
  const rest = await list(`?cursor=${limited.nextCursor}`);
  assert.deepEqual([rest.count, limited.rockets.length + rest.rockets.length], [17, 17]);
  assert.deepEqual(
    (await readAll(`/rockets/${uuid(1)}/history`)).map(({ messageNumber }) => messageNumber),
    numbers(9),
  );
});
