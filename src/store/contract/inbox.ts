import assert from 'node:assert/strict';
import type { Inbox, InboxQuery, InboxRow, InboxTaken, InboxTaking, Lease } from '../store.ts';
import { chosen, event, numbered, originLetter, own, refusal, type StoreTest, type Subject, statuses } from './fixtures.ts';

/** The subject of a test of the inbox, for stores that have one. */
interface InboxSubject extends Subject {
  readonly inbox: Inbox;
  /** Inserts rows, one after another. */
  insert(
    ...rows: readonly { readonly pipeline: string; readonly event: string; readonly id?: string; readonly traceparent?: string }[]
  ): Promise<void>;
  rows(pipeline?: string, more?: Partial<InboxQuery>): Promise<readonly InboxRow[]>;
  /** Takes rows under a new lease of `visits`. */
  take(takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]>;
}

async function takeUnder(lease: Lease, takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]> {
  assert.ok(lease.takeInbox !== undefined, 'a store that has an inbox gives leases that take its rows');
  return lease.takeInbox(takings);
}

/** Tests how other programs fill the inbox, and how rows leave it. A store that no other program can write to has none. */
export function inboxContract(it: StoreTest): void {
  const itHas = (sentence: string, body: (subject: InboxSubject) => Promise<void>) =>
    it(sentence, async (subject) => {
      const { store, write } = subject;
      assert.equal(store.inbox === undefined, write === undefined, 'whoever has an inbox says how a test writes to it');
      if (store.inbox === undefined || write === undefined) return;
      const { inbox } = store;
      await body({
        ...subject,
        inbox,
        async insert(...rows) {
          const text = (value: string | undefined) => (value === undefined ? 'NULL' : `'${value.replaceAll("'", "''")}'`);
          for (const { pipeline, event, id, traceparent } of rows) {
            const values = [pipeline, event, id, traceparent].map(text).join(', ');
            await write(`INSERT INTO millrace_inbox (pipeline, event, id, traceparent) VALUES (${values})`);
          }
        },
        take: async (takings) => takeUnder(await store.claim(subject.visits), takings),
        rows: (pipeline = 'visits', more = {}) => inbox.rows({ pipeline, except: [], eventLengthMax: 100, limit: 10, ...more }),
      });
    });

  itHas('rows are read by pipeline, in order of arrival, with all of their values', async ({ insert, rows }) => {
    const first = { pipeline: 'visits', event: '{"é":"1"}', id: 'ü', traceparent: '00-1' };
    await insert(first, { pipeline: 'orders', event: '2' }, { pipeline: 'visits', event: 'no JSON' });
    const [one, two, ...none] = await rows();
    const { pipeline: _, ...said } = first;
    assert.deepEqual(one, { place: one?.place, ...said, length: 9 });
    assert.deepEqual(two, { place: two?.place, event: 'no JSON', id: null, traceparent: null, length: 7 });
    assert.ok(one !== undefined && two !== undefined && one.place < two.place);
    assert.deepEqual(none, []);
    assert.equal((await rows('orders')).length, 1);
    assert.deepEqual(await rows('nobody'), []);
  });

  itHas('a list of rows ends at its limit or size, leaves out the given rows, and cuts overlong texts', async ({ insert, rows }) => {
    await insert(...['aaaa', 'bbbb', 'cccc'].map((event) => ({ pipeline: 'visits', event })));
    const texts = (found: readonly InboxRow[]) => found.map(({ event }) => event);
    assert.deepEqual(texts(await rows('visits', { limit: 2 })), ['aaaa', 'bbbb']);
    assert.deepEqual(texts(await rows('visits', { charactersMax: 5 })), ['aaaa', 'bbbb']);
    assert.deepEqual(texts(await rows('visits', { charactersMax: 1 })), ['aaaa']);
    const [first] = await rows();
    assert.deepEqual(texts(await rows('visits', { except: [first?.place ?? 0] })), ['bbbb', 'cccc']);
    const [cut] = await rows('visits', { eventLengthMax: 3 });
    assert.deepEqual([cut?.event, cut?.length], ['aaa', 4]);
  });

  itHas('waiting rows are counted up to a limit, for named pipelines and for others', async ({ inbox, insert }) => {
    assert.deepEqual(await inbox.waiting(['visits'], 10), []);
    await insert(...['visits', 'visits', 'visits', 'ordres', 'zero'].map((pipeline) => ({ pipeline, event: '1' })));
    const counts = async (countMax: number) =>
      new Map((await inbox.waiting(['orders', 'visits'], countMax)).map(({ name, count }) => [name, count]));
    assert.deepEqual(
      await counts(10),
      new Map([
        ['visits', 3],
        ['ordres', 1],
        ['zero', 1],
      ]),
    );
    assert.equal((await counts(2)).get('visits'), 2);
  });

  itHas('a row is taken once: its event is in the log, and the row is gone', async ({ store, take, insert, rows, visits, orders }) => {
    await insert({ pipeline: 'visits', event: '1' }, { pipeline: 'visits', event: '2' }, { pipeline: 'orders', event: '3' });
    const [one, two] = await rows();
    const [three] = await rows('orders');
    const takings = [
      { place: one?.place ?? 0, event: event(visits, 'a', { body: '1' }) },
      { place: three?.place ?? 0, event: event(orders, 'c', { body: '3' }) },
      { place: two?.place ?? 0, event: event(visits, 'b', { body: '2' }) },
    ];
    assert.deepEqual(await take(takings), [
      { status: 'accepted', position: 1 },
      { status: 'accepted', position: 1 },
      { status: 'accepted', position: 2 },
    ]);
    assert.deepEqual(statuses(await take(takings)), ['gone', 'gone', 'gone']);
    assert.deepEqual([await rows(), await rows('orders')], [[], []]);
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ body }) => body),
      ['1', '2'],
    );
  });

  itHas('duplicates leave, and a skipped number stays for whoever buries it', async ({ store, take, insert, rows, visits, rockets }) => {
    await store.append([chosen(visits, 'a', 'known')]);
    const owner = await own(store, rockets);
    await owner.commit({
      keys: [{ key: 'r', state: null, next: 3, parked: false }],
      deadLetters: [
        { kind: 'gap', id: 'g', key: 'r', reason: 'skipped', stack: null, failedAt: 1, attempts: 0, numbers: { from: 1, to: 2 } },
      ],
    });
    await insert({ pipeline: 'visits', event: '1' }, { pipeline: 'rockets', event: '2' });
    const [first] = await rows();
    const [second] = await rows('rockets');
    const answers = await take([
      { place: first?.place ?? 0, event: chosen(visits, 'a', 'known') },
      { place: second?.place ?? 0, event: numbered(rockets, 'r', 2) },
    ]);
    assert.deepEqual(statuses(answers), ['duplicate', 'late']);
    assert.deepEqual(await rows(), []);
    assert.deepEqual(await rows('rockets'), [second]);
  });

  itHas('a buried row is a dead letter, and gone', async ({ store, take, insert, rows, visits }) => {
    await insert({ pipeline: 'visits', event: 'bad' });
    const [row] = await rows();
    const buried = { place: row?.place ?? 0, letter: originLetter('1', 'x', '{"row":1}') };
    assert.deepEqual(statuses(await take([buried])), ['buried']);
    assert.deepEqual(await rows(), []);
    const letters = await store.deadLetters({ limit: 10 });
    assert.deepEqual(
      letters.map((letter) => [letter.kind, letter.id, letter.partition, letter.kind === 'origin' && letter.origin]),
      [['origin', '1', visits, '{"row":1}']],
    );
    assert.equal((await store.claim(visits)).standing.deadLetters, 1);
    assert.deepEqual(statuses(await take([{ ...buried, letter: originLetter('2', 'x', '{"row":1}') }])), ['gone']);
    assert.equal((await store.deadLetters({ limit: 10 })).length, 1);
  });

  itHas('an expired lease takes nothing: the row waits for the owner of the next one', async ({ store, insert, rows, visits }) => {
    await insert({ pipeline: 'visits', event: 'bad' }, { pipeline: 'visits', event: '1' });
    const [bad, good] = await rows();
    const first = await store.claim(visits);
    const second = await store.claim(visits);
    const takings = [
      { place: bad?.place ?? 0, letter: originLetter('1', 'x', '{"row":1}') },
      { place: good?.place ?? 0, event: event(visits, 'a') },
    ];
    await refusal(takeUnder(first, takings), 'MILL_STORE_FENCED');
    assert.equal((await rows()).length, 2);
    assert.deepEqual([await store.deadLetters({ limit: 10 }), await store.read(visits, 0, 10)], [[], []]);
    assert.deepEqual(statuses(await takeUnder(second, takings)), ['buried', 'accepted']);
    await second.release();
    await refusal(takeUnder(second, takings), 'MILL_STORE_FENCED');
  });

  itHas('a commit adds rows behind existing ones, together with everything else', async ({ insert, rows, visits, store }) => {
    await insert({ pipeline: 'visits', event: '1' });
    const again = [
      { pipeline: 'visits', event: '{"é":2}', id: 'two', traceparent: '00-1' },
      { pipeline: 'orders', event: 'no JSON', id: null, traceparent: null },
      { pipeline: 'visits', event: '3', id: null, traceparent: null },
    ];
    const owner = await own(store, visits);
    await owner.commit({ deadLetters: [originLetter('1', 'x', '{"row":1}')] });
    await owner.commit({ inbox: again, resolvedDeadLetters: ['1'] });
    assert.deepEqual(
      (await rows()).map(({ event, id, traceparent }) => [event, id, traceparent]),
      [
        ['1', null, null],
        ['{"é":2}', 'two', '00-1'],
        ['3', null, null],
      ],
    );
    assert.equal((await rows('orders')).length, 1);
    assert.deepEqual(await store.deadLetters({ limit: 10 }), []);
    await own(store, visits);
    await refusal(owner.commit({ inbox: again }), 'MILL_STORE_FENCED');
    assert.equal((await rows()).length, 3);
  });

  itHas('the inventory counts rows, even of undeclared pipelines, whose data can be deleted', async ({ store, insert, rows }) => {
    await insert(...['visits', 'ordres', 'visits', 'zero'].map((pipeline) => ({ pipeline, event: '1' })));
    const counts = async () => (await store.inventory({ uncounted: [], named: [] })).map(({ pipeline, inbox }) => [pipeline, inbox]);
    const declared = [
      ['rockets', 0],
      ['visits', 2],
    ];
    assert.deepEqual(await counts(), [['orders', 0], ['ordres', 1], ...declared, ['zero', 1]]);
    await store.forget('ordres');
    await store.forget('nobody');
    assert.deepEqual(await counts(), [['orders', 0], ...declared, ['zero', 1]]);
    assert.deepEqual(await rows('ordres'), []);
  });

  itHas('of several callers taking the first rows only one gets each row, and the order stays', async ({ store, insert, rows, visits }) => {
    const lease = await store.claim(visits);
    await insert(...Array.from({ length: 10 }, (_, nth) => ({ pipeline: 'visits', event: String(nth) })));
    const found = await rows();
    const takings = found.map(({ place, event: body }) => ({ place, event: event(visits, 'a', { body }) }));
    const answers = await Promise.all([
      takeUnder(lease, takings),
      takeUnder(lease, takings.slice(0, 6)),
      store.append([event(visits, 'b')]),
      takeUnder(lease, takings),
    ]);
    assert.equal(statuses(answers.flat()).filter((status) => status === 'accepted').length, 11);
    const log = await store.read(visits, 0, 20);
    assert.deepEqual(
      log.flatMap(({ key, body }) => (key === 'a' ? [body] : [])),
      found.map(({ event: body }) => body),
    );
    assert.deepEqual(
      log.map(({ position }) => position),
      Array.from({ length: 11 }, (_, at) => at + 1),
    );
  });

  itHas('rows survive a closed store, and go with a deleted pipeline', async ({ store, insert, rows, reopen }) => {
    await insert({ pipeline: 'visits', event: '1' }, { pipeline: 'orders', event: '2' });
    await reopen({ pipelines: [{ name: 'orders', numbered: false }], tables: [] });
    assert.equal((await rows()).length, 1);
    await store.forget('visits');
    assert.deepEqual(await rows(), []);
    assert.equal((await rows('orders')).length, 1);
  });

  itHas('a listener hears of new rows', async ({ inbox, insert }) => {
    const heard = Promise.withResolvers<void>();
    const end = inbox.listen(() => heard.resolve());
    await insert({ pipeline: 'visits', event: '1' });
    await heard.promise;
    end();
  });

  itHas('a closed store takes nothing', async ({ store, inbox, visits }) => {
    const lease = await store.claim(visits);
    await store.close();
    await refusal(takeUnder(lease, []), 'MILL_STORE_UNAVAILABLE');
    await refusal(inbox.waiting([], 1), 'MILL_STORE_UNAVAILABLE');
  });
}
