import assert from 'node:assert/strict';
import { type Columns, type Table, table } from '../../pipeline/table.ts';
import type { RowWrite, Store } from '../store.ts';
import { add, declaration, find, own, put, refusal, rowsOf, type StoreTest, type Subject, update } from './fixtures.ts';

const key = { primaryKey: ['id'] } as const;
const tickets = table(
  'tickets',
  { id: 'text(36)', status: ['open', 'held', 'closed'], title: 'text(5)?', since: 'moment', until: 'moment?' },
  {
    primaryKey: ['id'],
    indexes: [
      ['status', 'since'],
      ['title', 'since'],
    ],
  },
);

/** Hours that a clock in Berlin or New York shows twice or never, in order, and the first and the last moment. */
const moments = [
  '0000-01-01T00:00:00.000Z',
  '0000-02-28T23:59:59.999Z',
  '0001-01-01T00:00:00.000Z',
  '0099-12-31T12:00:00.500Z',
  '1883-11-18T17:00:00.001Z',
  '1970-01-01T00:00:00.000Z',
  '2026-03-08T06:59:59.999Z',
  '2026-03-08T07:00:00.000Z',
  '2026-03-29T00:30:00.007Z',
  '2026-03-29T01:30:00.070Z',
  '2026-10-25T00:30:00.700Z',
  '2026-10-25T01:30:00.700Z',
  '2026-11-01T05:30:00.000Z',
  '2026-11-01T06:30:00.000Z',
  '2038-01-19T03:14:08.000Z',
  '9999-12-31T23:59:59.999Z',
] as const;

/** Tests columns with a length, an enumeration or moments. */
export function columnsContract(it: StoreTest): void {
  it('texts with a length and of an enumeration come back as written, and in text order', async (subject) => {
    const store = await opened(subject, tickets);
    const [at] = moments;
    await write(
      store,
      subject,
      put('tickets', ['a', 'open', '🚀🚀🚀🚀🚀', at, null], ['b', 'held', '', at, null], ['c', 'closed', null, at, null]),
      add('tickets', ['a', 'closed', null, at, null]),
      update('tickets', ['id', 'status'], ['b', 'open']),
    );
    assert.deepEqual(
      (await rowsOf(store, 'tickets', 'id')).map((row) => Object.values(row).slice(0, 3)),
      [
        ['a', 'open', '🚀🚀🚀🚀🚀'],
        ['b', 'open', ''],
        ['c', 'closed', null],
      ],
    );
    await write(store, subject, update('tickets', ['id', 'status'], ['b', 'held']));
    const sorted = await store.query('SELECT id FROM tickets ORDER BY status', []);
    assert.deepEqual(
      sorted.map(({ id }) => id),
      ['c', 'b', 'a'],
    );
    assert.deepEqual(await find(store, 'SELECT id FROM tickets WHERE status = ?', ['held']), [{ id: 'b' }]);
  });

  it('moments come back as written, and in chronological order', async (subject) => {
    const store = await opened(subject, tickets);
    const rows = moments.map((at, nth) => [`t${nth}`, 'open', null, at, at]);
    await write(store, subject, put('tickets', ...rows.toReversed()));
    assert.deepEqual(
      (await rowsOf(store, 'tickets', 'since')).map((row) => Object.values(row)),
      rows,
    );
    const [edges] = await store.query('SELECT min(since) AS earliest, max(until) AS latest FROM tickets', []);
    assert.deepEqual(edges, { earliest: moments[0], latest: moments.at(-1) });
  });

  it('moments are the same whatever the time zone of the process that reads or writes them', async (subject) => {
    const before = process.env.TZ;
    const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC'];
    const rows = zones.flatMap((zone) => moments.map((at, nth) => [`${zone} ${nth}`, 'open', null, at, null]));
    try {
      for (const [at, zone] of zones.entries()) {
        process.env.TZ = zone;
        const store = await opened(subject, tickets);
        await write(store, subject, put('tickets', ...rows.slice(at * moments.length, (at + 1) * moments.length)));
      }
      for (const zone of zones) {
        process.env.TZ = zone;
        const found = await rowsOf(await opened(subject, tickets), 'tickets', 'id');
        const byId = new Map(found.map((row) => Object.values(row)).map(([id, , , since]) => [id, since]));
        assert.deepEqual(byId, new Map(rows.map(([id, , , since]) => [id, since])), zone);
      }
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  it('moments are compared in the dialect’s form', async (subject) => {
    const store = await opened(subject, tickets);
    await write(store, subject, put('tickets', ...moments.map((at, nth) => [`t${nth}`, 'open', null, at, null])));
    const written = store.dialect?.momentText ?? ((text: string) => text);
    for (const [nth, at] of moments.entries()) {
      assert.deepEqual(await find(store, 'SELECT id FROM tickets WHERE since = ?', [written(at)]), [{ id: `t${nth}` }], at);
      const [later] = await find(store, 'SELECT count(*) AS count FROM tickets WHERE since > ?', [written(at)]);
      assert.deepEqual(later, { count: moments.length - nth - 1 }, at);
    }
  });

  it('a moment or a text of an enumeration may be the primary key', async (subject) => {
    const shifts = table('shifts', { at: 'moment', room: ['b', 'a'], who: 'text?' }, { primaryKey: ['at', 'room'] });
    const store = await opened(subject, shifts);
    const rows = moments.flatMap((at) => [
      [at, 'a', null],
      [at, 'b', null],
    ]);
    await write(store, subject, put('shifts', ...rows), add('shifts', ...rows));
    await write(
      store,
      subject,
      update('shifts', ['who', 'room', 'at'], ...moments.map((at) => [`who ${at}`, 'b', at])),
      put('shifts', [moments[0], 'a', 'put']),
    );
    assert.deepEqual(
      (await rowsOf(store, 'shifts', 'at, room')).map((row) => Object.values(row)),
      moments.flatMap((at, nth) => [
        [at, 'a', nth === 0 ? 'put' : null],
        [at, 'b', `who ${at}`],
      ]),
    );
  });

  it('existing rows have a new column’s default', async (subject) => {
    await write(await opened(subject, table('tickets', { id: 'text(36)' }, key)), subject, put('tickets', ['a']));
    const defaults = { status: 'held', title: "it's", since: '0000-02-28T23:59:59.999Z', until: '2026-10-25T00:30:00.700Z' } as const;
    const store = await opened(subject, table('tickets', tickets.columns, { ...key, defaults }));
    assert.deepEqual(await rowsOf(store, 'tickets', 'id'), [{ id: 'a', ...defaults }]);
  });

  it('a length may grow or shrink, and an enumeration gain or lose texts, even alternately; rows and indexes stay', async (subject) => {
    const [at] = moments;
    const { indexes } = tickets;
    const columns = { ...tickets.columns, id: 'text(40)', status: ['open', 'held', 'closed', 'a new one'], title: 'text(7)?' } as const;
    const wider: Table = { ...table('tickets', columns, key), indexes };
    await write(await opened(subject, tickets), subject, put('tickets', ['a', 'held', 'short', at, null]));
    const longId = 'x'.repeat(40);
    await write(await opened(subject, wider), subject, put('tickets', [longId, 'a new one', 'seven 7', at, null]));
    const first = await opened(subject, tickets);
    await write(first, subject, put('tickets', ['c', 'open', 'again', at, null]));
    assert.deepEqual(
      (await rowsOf(first, 'tickets', 'status, id')).map((row) => Object.values(row).slice(0, 3)),
      [
        [longId, 'a new one', 'seven 7'],
        ['a', 'held', 'short'],
        ['c', 'open', 'again'],
      ],
    );
  });

  it('a text column may be redeclared with a length or as an enumeration, and back as a text', async (subject) => {
    const [at] = moments;
    const before = { ...tickets.columns, id: 'text', status: 'text', title: 'text?' } as const;
    const { indexes } = tickets;
    const plain: Table = { ...table('tickets', before, key), indexes };
    await write(await opened(subject, plain), subject, put('tickets', ['a', 'held', 'title', at, null]));
    const store = await opened(subject, tickets);
    await write(store, subject, put('tickets', ['b', 'closed', null, at, null]));
    assert.equal((await find(store, 'SELECT id FROM tickets WHERE status = ?', ['held'])).length, 1);
    assert.equal((await rowsOf(await opened(subject, plain), 'tickets', 'id')).length, 2);
  });

  it('a moment that was a number is refused', async (subject) => {
    await opened(subject, withSince('integer'));
    const { message } = await refusal(opened(subject, withSince('moment')), 'MILL_TABLE_CHANGED');
    assert.match(message, /^table tickets: column since: expected .+, found /);
  });
}

function withSince(since: Columns[string]): Table {
  return table('tickets', { id: 'text', since }, key);
}

function opened(subject: Subject, ...tables: readonly Table[]): Promise<Store> {
  return subject.reopen({ ...declaration, tables });
}

async function write(store: Store, { visits }: Subject, ...rows: readonly RowWrite[]): Promise<void> {
  const owner = await own(store, visits);
  await owner.commit({ rows });
}
