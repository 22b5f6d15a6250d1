import assert from 'node:assert/strict';
import type { DeliveryWrite, PartitionId, Store, StoredDelivery } from '../store.ts';
import { acceptedAt, ask, delivery, own, remove, type StoreTest } from './fixtures.ts';

/** Tests deliveries: requested, retried, removed, and read when due. */
export function deliveriesContract(it: StoreTest): void {
  it('a delivery is kept as requested', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const asked = [
      delivery('one', 'ключ', {
        body: '{ "é": [1.50] }',
        url: 'https://example.com/?q="é"',
        ordered: false,
        askedAt: Number.MAX_SAFE_INTEGER,
        traceparent: '00-é-01',
        attempts: 7,
      }),
      delivery('two', "it's", { askedAt: 0 }),
    ];
    await owner.commit({ deliveries: ask(...asked) });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), asked);
  });

  it('due deliveries are ordered by moment, then by request', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const at = (id: string, dueAt: number) => delivery(id, id, { dueAt, ordered: id > 'm' });
    await owner.commit({ deliveries: ask(at('z', 20), at('a', 20), at('y', 10), at('b', 30)) });
    await owner.commit({ deliveries: ask(at('x', 20), at('c', 10), at('w', 21)) });
    assert.deepEqual(await due(store, visits, 20), ['y', 'c', 'z', 'a', 'x']);
    assert.deepEqual(await due(store, visits, 20, 3), ['y', 'c', 'z']);
    assert.deepEqual(await due(store, visits, 9), []);
    assert.deepEqual(await due(store, visits, 100), ['y', 'c', 'z', 'a', 'x', 'w', 'b']);
  });

  it('an ordered delivery waits until earlier ones of its endpoint and key are gone', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({
      deliveries: ask(delivery('a1', 'a'), delivery('b1', 'b'), delivery('a2', 'a', { dueAt: 1 }), delivery('a3', 'a')),
    });
    assert.deepEqual(await due(store, visits, 10), ['a1', 'b1']);
    await owner.commit({ deliveries: remove('a', 'a1') });
    assert.deepEqual(await due(store, visits, 10), ['a2', 'b1']);
    await owner.commit({ deliveries: [...ask(delivery('a4', 'a')), ...remove('a', 'a2', 'a3')] });
    assert.deepEqual(await due(store, visits, 10), ['b1', 'a4']);
    await owner.commit({ deliveries: [...remove('a', 'a4'), ...ask(delivery('a5', 'a'))] });
    assert.deepEqual(await due(store, visits, 10), ['b1', 'a5']);
  });

  it('removing one from the middle of a line frees no other', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a'), delivery('2', 'a'), delivery('3', 'a')) });
    await owner.commit({ deliveries: remove('a', '2') });
    assert.deepEqual(await due(store, visits, 10), ['1']);
    await owner.commit({ deliveries: remove('a', '1') });
    assert.deepEqual(await due(store, visits, 10), ['3']);
  });

  it('the first of a line holds up the others even if it is due later, or only when requested again', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a', { dueAt: 50 }), delivery('2', 'a')) });
    assert.deepEqual(await due(store, visits, 10), []);
    await owner.commit({ deliveries: [retry('1', 1, null)] });
    assert.deepEqual(await due(store, visits, Number.MAX_SAFE_INTEGER), []);
    assert.equal(await store.nextDeliveryDue(visits, 'mail', 0), null);
    await owner.commit({ deliveries: remove('a', '1') });
    assert.deepEqual(await due(store, visits, 10), ['2']);
  });

  it('unordered deliveries wait for no others', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const free = (id: string, dueAt: number | null) => delivery(id, 'a', { dueAt, ordered: false });
    await owner.commit({ deliveries: ask(free('1', null), free('2', 30), free('3', 10), free('4', 10)) });
    assert.deepEqual(await due(store, visits, 10), ['3', '4']);
    await owner.commit({ deliveries: remove('a', '3') });
    assert.deepEqual(await due(store, visits, 30), ['4', '2']);
  });

  it('one requested without an order joins the line when it is requested with one', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a', { ordered: false }), delivery('2', 'a'), delivery('3', 'a')) });
    await owner.commit({ deliveries: remove('a', '2') });
    assert.deepEqual(await due(store, visits, 10), ['1', '3']);
    await owner.commit({ deliveries: ask(delivery('1', 'a')) });
    assert.deepEqual(await due(store, visits, 10), ['1']);
    await owner.commit({ deliveries: [...remove('a', '1'), ...ask(delivery('4', 'a'))] });
    assert.deepEqual(await due(store, visits, 10), ['3']);
  });

  it('several requested without an order form one line with a new one when all are requested with an order', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a', { ordered: false }), delivery('2', 'a', { ordered: false })) });
    await owner.commit({ deliveries: ask(delivery('1', 'a'), delivery('2', 'a'), delivery('3', 'a')) });
    assert.deepEqual(await due(store, visits, 10), ['1']);
    await owner.commit({ deliveries: remove('a', '1') });
    assert.deepEqual(await due(store, visits, 10), ['2']);
    await owner.commit({ deliveries: remove('a', '2') });
    assert.deepEqual(await due(store, visits, 10), ['3']);
  });

  it('endpoints do not share deliveries', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const [mail, sms] = [delivery('1', 'a', { body: '"mail"' }), delivery('1', 'a', { body: '"sms"', endpoint: 'sms' })];
    await owner.commit({ deliveries: ask(mail, sms) });
    await owner.commit({ deliveries: [retry('1', 3, 20, 'sms')] });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 20, 10), [mail]);
    assert.deepEqual(await store.dueDeliveries(visits, 'sms', 20, 10), [{ ...sms, attempts: 3, dueAt: 20 }]);
    assert.deepEqual(await store.dueDeliveries(visits, 'Mail', 20, 10), []);
    await owner.commit({ deliveries: remove('a', '1') });
    assert.deepEqual(await store.dueDeliveries(visits, 'sms', 20, 10), [{ ...sms, attempts: 3, dueAt: 20 }]);
    assert.equal((await store.claim(visits)).standing.deliveries, 1);
  });

  it('a commit reports the change in the number of deliveries', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const added = async (...deliveries: readonly DeliveryWrite[]) => (await owner.commit({ deliveries })).deliveriesAdded;
    assert.equal(await added(...ask(delivery('1', 'a'), delivery('2', 'a'), delivery('1', 'a'))), 2);
    assert.equal(await added(...ask(delivery('2', 'b'), delivery('2', 'a')), retry('1', 1, 20)), 1);
    assert.equal(await added(...remove('a', '1', '1', 'none'), ...remove('c', '2')), -1);
    assert.equal(await added(...ask(delivery('3', 'a')), ...remove('a', '3', '2')), -1);
    assert.equal(await added({ write: 'restore', delivery: delivery('2', 'b') }, { write: 'restore', delivery: delivery('4', 'b') }), 1);
  });

  it('keys and ids differ by case, accents and blanks', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const names = ['a', 'A', 'á', 'a ', ' a'];
    await owner.commit({ deliveries: ask(...names.map((name) => delivery(name, name))) });
    assert.deepEqual(await due(store, visits, 10), names);
  });

  it('a repeated request under the same id keeps place, attempts and the moment of the first request', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a', { dueAt: null, attempts: 2 }), delivery('2', 'a'), delivery('3', 'b')) });
    const again = delivery('1', 'a', {
      body: '"again"',
      url: 'https://example.com/',
      askedAt: acceptedAt + 9,
      traceparent: '00-1-2-03',
      attempts: 0,
    });
    await owner.commit({ deliveries: ask(again) });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), [
      { ...again, attempts: 2, askedAt: acceptedAt },
      delivery('3', 'b'),
    ]);
    await owner.commit({ deliveries: ask(delivery('2', 'a', { body: '"still waits"' })) });
    assert.deepEqual(await due(store, visits, 10), ['1', '3']);
    assert.equal((await store.claim(visits)).standing.deliveries, 3);
  });

  it('the same id under another key is another delivery', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a'), delivery('1', 'b', { body: '"b"' }), delivery('2', 'b')) });
    await owner.commit({ deliveries: [retry('1', 3, 20), ...remove('b', '1')] });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 20, 10), [
      delivery('2', 'b'),
      delivery('1', 'a', { attempts: 3, dueAt: 20 }),
    ]);
  });

  it('a repeated request keeps the moment, unless there is none', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a'), delivery('2', 'b')) });
    await owner.commit({ deliveries: [retry('1', 1, 50), retry('2', 1, null, 'mail', 'b')] });
    await owner.commit({ deliveries: ask(delivery('1', 'a', { dueAt: 5 }), delivery('2', 'b', { dueAt: 5 })) });
    assert.deepEqual(await due(store, visits, 49), ['2']);
    assert.deepEqual(await due(store, visits, 50), ['2', '1']);
  });

  it('restoring a delivery does nothing if one with its name exists', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const restore = (delivery: StoredDelivery): DeliveryWrite => ({ write: 'restore', delivery });
    await owner.commit({ deliveries: ask(delivery('1', 'a', { body: '"new"' })) });
    await owner.commit({ deliveries: [restore(delivery('1', 'a', { body: '"old"', dueAt: 1 })), restore(delivery('2', 'b'))] });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), [delivery('1', 'a', { body: '"new"' }), delivery('2', 'b')]);
  });

  it('flow by flow, each flow returns its first deliveries, however many another has', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const of = (flow: string, id: string, dueAt: number | null = 10, more: Partial<StoredDelivery> = {}) =>
      delivery(id, id, { flow, dueAt, ordered: false, ...more });
    const many = Array.from({ length: 200 }, (_, at) => of('b', `b${at}`, 10 - (at % 2)));
    await owner.commit({ deliveries: ask(...many, of('a', 'a1'), of('B', 'late', 50), of('é', 'é1'), of('c', 'never', null)) });
    await owner.commit({ deliveries: ask(of('a', 'a2', 3), of('d', 'other', 3, { endpoint: 'sms' })) });
    const read = async (from: string | null, flows: number, each: number) => {
      const { deliveries, next } = await store.dueByFlow(visits, { endpoint: 'mail', dueBy: 10, from, flows, each });
      return [deliveries.map(({ id }) => id), next];
    };
    assert.deepEqual(await read(null, 10, 2), [['a2', 'a1', 'b1', 'b3', 'é1'], null]);
    assert.deepEqual(await read(null, 3, 1), [['a2', 'b1'], 'c']);
    assert.deepEqual(await read('b', 1, 1), [['b1'], 'c']);
    assert.deepEqual(await read('bb', 1, 1), [[], 'é']);
    assert.deepEqual(await read('c', 2, 1), [['é1'], null]);
    assert.deepEqual(await read('éé', 2, 1), [[], null]);
    const { deliveries } = await store.dueByFlow(visits, { endpoint: 'sms', dueBy: 10, from: null, flows: 9, each: 9 });
    assert.deepEqual(deliveries, [of('d', 'other', 3, { endpoint: 'sms' })]);
  });

  it('in a flow only deliveries that wait for no other of their key are due', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const firsts = async () => {
      const { deliveries } = await store.dueByFlow(visits, { endpoint: 'mail', dueBy: 10, from: null, flows: 9, each: 9 });
      return deliveries.map(({ id }) => id);
    };
    const to = (flow: string, id: string, key: string) => delivery(id, key, { flow });
    await owner.commit({ deliveries: ask(to('x', 'a1', 'a'), to('y', 'a2', 'a'), to('x', 'b1', 'b')) });
    assert.deepEqual(await firsts(), ['a1', 'b1']);
    await owner.commit({ deliveries: remove('a', 'a1') });
    assert.deepEqual(await firsts(), ['b1', 'a2']);
    await owner.commit({ deliveries: ask(to('w', 'b1', 'b')) });
    assert.deepEqual(await firsts(), ['b1', 'a2'], 'asked for again, by another flow');
    assert.equal((await store.dueByFlow(visits, { endpoint: 'mail', dueBy: 10, from: 'x', flows: 9, each: 9 })).deliveries.length, 1);
    await owner.commit({ deliveries: [...remove('a', 'a2'), ...remove('b', 'b1')] });
    assert.deepEqual(await firsts(), []);
  });

  it('a delivery removed and requested again comes after all others', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a', { attempts: 5 }), delivery('2', 'a')) });
    await owner.commit({ deliveries: [...remove('a', '1'), ...ask(delivery('1', 'a', { askedAt: 7 }))] });
    assert.deepEqual(await due(store, visits, 10), ['2']);
    await owner.commit({ deliveries: remove('a', '2') });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), [delivery('1', 'a', { askedAt: 7 })]);
  });

  it('a retry changes attempts and moment, and nothing else', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a', { body: '"é"' }), delivery('2', 'a'), delivery('3', 'b')) });
    await owner.commit({ deliveries: [retry('1', 1, 40), retry('2', 4, 5)] });
    assert.deepEqual(await due(store, visits, 39), ['3']);
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 40, 10), [
      delivery('3', 'b'),
      delivery('1', 'a', { body: '"é"', attempts: 1, dueAt: 40 }),
    ]);
    await owner.commit({ deliveries: remove('a', '1') });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 1), [delivery('2', 'a', { attempts: 4, dueAt: 5 })]);
  });

  it('a retry or removal of a missing delivery does nothing', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a'), delivery('2', 'a')) });
    await owner.commit({ deliveries: [retry('3', 1, 1), ...remove('a', '3')] });
    assert.deepEqual(await due(store, visits, 10), ['1']);
    assert.equal((await store.claim(visits)).standing.deliveries, 2);
  });

  it('the next moment is that of the first later delivery that does not wait', async ({ store, visits }) => {
    const owner = await own(store, visits);
    assert.equal(await store.nextDeliveryDue(visits, 'mail', 0), null);
    const last = Number.MAX_SAFE_INTEGER;
    await owner.commit({
      deliveries: ask(
        delivery('1', 'a', { dueAt: 20 }),
        delivery('2', 'a', { dueAt: 15 }),
        delivery('3', 'b', { dueAt: last }),
        delivery('4', 'c', { dueAt: null }),
        delivery('5', 'd', { dueAt: 17, endpoint: 'sms' }),
      ),
    });
    const next = (after: number) => store.nextDeliveryDue(visits, 'mail', after);
    assert.deepEqual([await next(0), await next(19), await next(20), await next(last)], [20, 20, last, null]);
    await owner.commit({ deliveries: remove('a', '1') });
    assert.deepEqual([await next(0), await next(15)], [15, last]);
  });

  it('each later moment comes with the shortest pause of its deliveries', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const free = (id: string, dueAt: number | null) => delivery(id, 'a', { dueAt, ordered: false });
    const paused = (id: string, dueAt: number | null, pauseMs: number) => retry(id, 1, dueAt, 'mail', 'a', pauseMs);
    const last = Number.MAX_SAFE_INTEGER;
    await owner.commit({
      deliveries: [
        ...ask(free('1', 10), free('2', 10), free('3', 10), free('4', 20), free('5', null), delivery('1', 'b', { dueAt: last })),
        // It waits for the previous one.
        ...ask(delivery('2', 'b', { dueAt: 15 }), delivery('1', 'a', { dueAt: 17, endpoint: 'sms' })),
        ...[paused('1', 30, 9), paused('2', 30, 7), paused('3', 30, 8)],
      ],
    });
    const moments = async (after: number, limit: number) =>
      (await store.dueMoments(visits, 'mail', after, limit)).map(({ dueAt, pauseMs }) => [dueAt, pauseMs]);
    const all = [
      [20, 0],
      [30, 7],
      [last, 0],
    ];
    assert.deepEqual(await moments(0, 9), all);
    assert.deepEqual(await moments(0, 2), all.slice(0, 2));
    assert.deepEqual(await moments(20, 1), all.slice(1, 2));
    assert.deepEqual(await moments(last, 9), []);
    // When requested anew it keeps its moment, and so its pause.
    await owner.commit({ deliveries: [...ask(free('2', 10)), ...remove('a', '3')] });
    assert.deepEqual(await moments(20, 1), [[30, 7]]);
    await owner.commit({ deliveries: [...remove('a', '2'), retry('4', 2, null, 'mail', 'a', 0)] });
    assert.deepEqual(await moments(0, 1), [[30, 9]]);
  });

  it('a delivery keeps why its last call failed, until the next failure or its removal', async ({ store, visits, reopen }) => {
    const owner = await own(store, visits);
    const last = async (from: Store = store) => {
      const [listed] = await from.deliveries(visits, { endpoint: 'mail', key: 'a', limit: 1 });
      const [ofKey] = await from.deliveriesOfKey(visits, 'mail', 'a', 1);
      assert.deepEqual(listed?.lastFailure, ofKey?.lastFailure);
      return listed?.lastFailure;
    };
    const failed = (at: number, reason: string) => ({ ...retry('1', at, 50), failure: { at, reason } });
    await owner.commit({ deliveries: ask(delivery('1', 'a'), delivery('1', 'b')) });
    assert.equal(await last(), null);
    await owner.commit({ deliveries: [failed(3, 'answered 503')] });
    assert.deepEqual(await last(), { at: 3, reason: 'answered 503' });
    // An operator sends it now, or a turn asks for it anew.
    await owner.commit({ deliveries: [retry('1', 3, 10), ...ask(delivery('1', 'a'))] });
    assert.deepEqual(await last(), { at: 3, reason: 'answered 503' });
    const long = `“é\u{1f600}” ${'x'.repeat(5_000)}`;
    await owner.commit({ deliveries: [failed(4, long)] });
    assert.deepEqual(await last(await reopen()), { at: 4, reason: long });
    const again = await own(store, visits);
    await again.commit({ deliveries: [...remove('a', '1'), ...ask(delivery('1', 'a'))] });
    assert.equal(await last(), null);
  });

  it('reading a due delivery leaves it where it is', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a')) });
    for (let reads = 0; reads < 2; reads += 1) assert.deepEqual(await due(store, visits, 10), ['1']);
  });

  it('each partition has its own deliveries', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    await owner.commit({ deliveries: ask(delivery('1', 'a')) });
    const other = await own(store, orders);
    await other.commit({ deliveries: [...remove('a', '1'), retry('1', 9, 9)] });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), [delivery('1', 'a')]);
    await other.commit({ deliveries: ask(delivery('1', 'a', { body: '"other"' })) });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), [delivery('1', 'a')]);
    assert.deepEqual([(await store.claim(visits)).standing.deliveries, (await store.claim(orders)).standing.deliveries], [1, 1]);
  });
}

function retry(id: string, attempts: number, dueAt: number | null, endpoint = 'mail', key = 'a', pauseMs = 1): DeliveryWrite {
  return { write: 'retry', endpoint, key, id, attempts, dueAt, pauseMs };
}

/** Returns the ids of the due deliveries of `mail`. */
async function due(store: Store, partition: PartitionId, dueBy: number, limit = 100): Promise<string[]> {
  return (await store.dueDeliveries(partition, 'mail', dueBy, limit)).map(({ id }) => id);
}
