import assert from 'node:assert/strict';
import {
  add,
  ask,
  causeNames,
  delivery,
  deliveryLetter,
  event,
  letter,
  numbered,
  originLetter,
  outcomeLetter,
  own,
  type StoreTest,
  timer,
  timerLetter,
} from './fixtures.ts';

/** A JSON text of that many characters, each of more than one byte. */
const textOf = (characters: number) => JSON.stringify('é'.repeat(characters - 2));

/** Tests lists that end before they hold too much. */
export function listSizesContract(it: StoreTest): void {
  it('the log ends with the event that brings the bodies to the size limit', async ({ store, visits }) => {
    await store.append([4, 3, 3, 100, 4].map((size, at) => event(visits, `key ${at}`, { body: textOf(size) })));
    const positions = async (after: number, charactersMax?: number) =>
      (await store.read(visits, after, 10, { charactersMax })).map(({ position }) => position);
    assert.deepEqual(await positions(0, 7), [1, 2]);
    assert.deepEqual(await positions(0, 8), [1, 2, 3]);
    assert.deepEqual(await positions(2, 11), [3, 4]);
    assert.deepEqual(await positions(3, 1), [4]);
    assert.deepEqual(await positions(4, 1_000), [5]);
    assert.deepEqual(await positions(0), [1, 2, 3, 4, 5]);
    assert.deepEqual(await store.read(visits, 0, 1, { charactersMax: 1_000 }), await store.read(visits, 0, 1));
  });

  it('the held events of a key do so too', async ({ store, rockets }) => {
    await store.append([3, 2, 1].map((number) => numbered(rockets, 'a', number, { body: textOf(10) })));
    const orders = async (from: number, charactersMax: number) =>
      (await store.held(rockets, 'a', from, 10, { charactersMax })).map(({ order }) => order);
    assert.deepEqual(await orders(0, 20), [1, 2]);
    assert.deepEqual(await orders(2, 5), [2]);
    assert.deepEqual(await orders(0, 21), [1, 2, 3]);
  });

  it('key records end with the key whose state and timer data reach the limit', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const state = (size: number) => ({ json: textOf(size), version: 1 });
    await owner.commit({
      keys: [
        { key: 'a', state: state(10), next: null, parked: false },
        { key: 'b', state: state(3), next: null, parked: false },
      ],
      timers: [timer('b', 'wake', 1, textOf(7))],
    });
    const sizes = async (charactersMax: number, ...keys: readonly string[]) =>
      (await store.load(visits, keys, { charactersMax })).map(({ state }) => state?.json.length ?? null);
    assert.deepEqual(await sizes(10, 'a', 'b', 'c'), [10]);
    assert.deepEqual(await sizes(11, 'a', 'b', 'c'), [10, 3]);
    assert.deepEqual(await sizes(10, 'b', 'a'), [3]);
    assert.deepEqual(await sizes(1, 'c', 'd', 'b', 'a'), [null, null, 3]);
    assert.deepEqual(await sizes(100, 'c', 'b'), [null, 3]);
  });

  it('timers do so by their data, and deliveries by their payloads', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({
      timers: [timer('a', 'one', 1), timer('b', 'two', 2, textOf(5)), timer('c', 'three', 3, textOf(5))],
      deliveries: ask(...['a', 'b', 'c'].map((key) => delivery('d', key, { body: textOf(6) }))),
    });
    assert.deepEqual(causeNames(await store.dueCauses(visits, 10, 10, { charactersMax: 5 })), ['one', 'two']);
    assert.deepEqual(causeNames(await store.dueCauses(visits, 10, 10, { charactersMax: 6 })), ['one', 'two', 'three']);
    const behind = { after: timer('a', 'one', 1), charactersMax: 5 };
    assert.deepEqual(causeNames(await store.dueCauses(visits, 10, 10, behind)), ['two']);
    assert.deepEqual(
      (await store.dueDeliveries(visits, 'mail', 10, 10, { charactersMax: 12 })).map(({ key }) => key),
      ['a', 'b'],
    );
    assert.deepEqual(
      (await store.dueDeliveries(visits, 'mail', 10, 10, { charactersMax: 1 })).map(({ key }) => key),
      ['a'],
    );
  });

  it('deliveries read flow by flow do so too, and later flows are reported as not examined', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const of = (flow: string, id: string) => delivery(id, id, { flow, body: textOf(6) });
    await owner.commit({ deliveries: ask(of('a', 'a1'), of('a', 'a2'), of('a', 'a3'), of('b', 'b1'), of('c', 'c1')) });
    const read = async (charactersMax: number, from: string | null = null) => {
      const query = { endpoint: 'mail', dueBy: 10, from, flows: 10, each: 2, charactersMax };
      const { deliveries, next } = await store.dueByFlow(visits, query);
      return [deliveries.map(({ id }) => id), next];
    };
    assert.deepEqual(await read(6), [['a1'], 'b']);
    assert.deepEqual(await read(12), [['a1', 'a2'], 'b']);
    assert.deepEqual(await read(13), [['a1', 'a2', 'b1'], 'c']);
    assert.deepEqual(await read(1, 'b'), [['b1'], 'c']);
    assert.deepEqual(await read(19), [['a1', 'a2', 'b1', 'c1'], null]);
    assert.deepEqual(await read(1, 'c'), [['c1'], null]);
  });

  it('dead letters do so by all of their texts, but at least two are returned if there are two', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a', { body: textOf(20) })]);
    await owner.commit({
      cursor: 1,
      deadLetters: [
        letter('1', 'a', 1),
        deliveryLetter('2', delivery('d', 'a', { body: textOf(20) })),
        timerLetter('3', 'a', { name: 'wake', dueAt: 1, data: textOf(20) }),
        { ...originLetter('4', 'a', textOf(20)), stack: 'x'.repeat(20) },
        timerLetter('5', 'a', { name: 'wake', dueAt: 1, data: null }),
        outcomeLetter('6', 'a', { endpoint: 'mail', id: '1', dueAt: 1, data: textOf(20) }),
        timerLetter('7', 'a', { name: 'wake', dueAt: 1, data: null }),
      ],
    });
    const ids = async (charactersMax: number, after?: string) =>
      (await store.deadLetters({ limit: 10, after }, { charactersMax })).map(({ id }) => id).join('');
    assert.equal(await ids(1), '12');
    assert.equal(await ids(41), '123');
    assert.equal(await ids(61), '1234');
    assert.equal(await ids(100), '1234');
    assert.equal(await ids(101), '123456');
    assert.equal(await ids(121), '1234567');
    assert.equal(await ids(1, '4'), '56');
  });

  it('rows of a query do so by their texts, but at least two are returned if there are two', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ rows: [add('history', ...['a', 'b', 'c', 'd'].map((letter) => [letter.repeat(10)]))] });
    const found = async (sql: string, charactersMax?: number) => (await store.query(sql, [], { charactersMax })).length;
    const select = 'SELECT what, 7 AS number FROM history ORDER BY what';
    assert.equal(await found(select, 1), 2);
    assert.equal(await found(select, 20), 2);
    assert.equal(await found(select, 21), 3);
    assert.equal(await found(select, 1_000), 4);
    assert.equal(await found(select), 4);
    // Later queries are answered as if nothing had been left unread.
    assert.equal(await found('SELECT what FROM history LIMIT 1', 1), 1);
  });
}
