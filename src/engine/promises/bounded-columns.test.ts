import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { onEveryKindOfStore } from './fixture.test.ts';

const tickets = table(
  'tickets',
  { id: 'text(20)', status: ['open', 'closed'], title: 'text(5)?', since: 'moment' },
  { primaryKey: ['id'], indexes: [['since', 'id']] },
);
const since = '2026-10-25T00:30:00.700Z';

const put = pipeline('put', {
  event: z.object({ row: z.record(z.string(), z.unknown()), update: z.boolean().optional() }),
  tables: { tickets },
  onGiveUp: 'skip',
  retry: { attempts: 1 },
  handle: ({ row, update }, _state, turn) =>
    update === true ? turn.update(tickets, row as never) : turn.put(tickets, { id: '', status: 'open', since, ...row } as never),
});

onEveryKindOfStore('promise 2: columns accept the same values in every store', ({ testMill }) => {
  test('a text that is too long, not in the enumeration, or not a moment is its turn’s fault', async () => {
    const t = await testMill({ pipelines: [put] });
    await t.ingest('put', { row: { id: 'fine', title: '🚀🚀🚀🚀🚀' } });
    const wrong: readonly (readonly [object, reason: string])[] = [
      [{ title: '🚀🚀🚀🚀🚀.' }, 'title: expected text(5)? (well-formed, without U+0000), found one of 6 characters: "🚀🚀🚀🚀🚀."'],
      [{ status: 'Open' }, 'status: expected one of "open", "closed", found "Open"'],
      [{ status: '' }, 'status: expected one of "open", "closed", found ""'],
      [{ since: '2026-10-25' }, 'since: expected moment (in UTC with milliseconds, such as 2022-02-02T18:39:05.863Z), found "2026-10-25"'],
    ];
    for (const [nth, [row]] of wrong.entries()) {
      await t.ingest('put', { row: { id: `put ${nth}`, ...row } });
      await t.ingest('put', { row: { id: 'fine', ...row }, update: true });
    }
    await t.ingest('put', { row: { id: 'x'.repeat(21) } });
    await t.drain();
    assert.deepEqual(await t.rows(tickets), [{ id: 'fine', status: 'open', title: '🚀🚀🚀🚀🚀', since }]);
    const reasons = (await t.deadLetters()).map(({ reason }) => reason);
    const expected = wrong.map(([, reason]) => `table tickets: column ${reason}`);
    const tooLong = `id: expected text(20) (well-formed, without U+0000), found one of 21 characters: "${'x'.repeat(21)}"`;
    assert.deepEqual(reasons.toSorted(), [...expected, ...expected, `table tickets: column ${tooLong}`].toSorted());
    await t.stop();
  });

  test('queries compare moments, and every row comes back as written', async () => {
    const t = await testMill({ pipelines: [put] });
    const moments = [
      '0000-03-01T00:00:00.001Z',
      '2026-10-25T00:30:00.700Z',
      '2026-10-25T01:30:00.700Z',
      '9999-12-31T23:59:59.999Z',
    ] as const;
    const [first, second, third, last] = moments;
    for (const [nth, at] of moments.entries()) await t.ingest('put', { row: { id: `t${nth}`, since: at } });
    await t.drain();
    const select = () => t.mill.query(tickets).select(['id', 'since']).orderBy('since').orderBy('id');
    const idsOf = async (query: ReturnType<typeof select>) => (await query.execute()).map(({ id }) => id).join(' ');
    assert.deepEqual(
      (await select().execute()).map((row) => row.since),
      moments,
    );
    assert.equal(await idsOf(select().where('since', '=', second)), 't1');
    assert.equal(await idsOf(select().where('tickets.since', '<', third)), 't0 t1');
    assert.equal(await idsOf(select().where('since', 'in', [first, third])), 't0 t2');
    assert.equal(await idsOf(select().where('since', 'not in', [first, third])), 't1 t3');
    assert.equal(await idsOf(select().where(({ between }) => between('since', second, last))), 't1 t2 t3');
    assert.equal(await idsOf(select().where(({ not, eb }) => not(eb('since', '>=', second)))), 't0');
    assert.equal(await idsOf(select().where(({ eb, val }) => eb(val<string>(second), '<', eb.ref('since')))), 't2 t3');
    for (const [at, id, ids] of [
      [second, 't1', 't0'],
      [second, 't2', 't0 t1'],
      [first, 't0', ''],
    ] as const) {
      const before = select().where(({ eb, refTuple, tuple }) => eb(refTuple('since', 'id'), '<', tuple(at, id)));
      assert.equal(await idsOf(before), ids);
    }
    const among = select().where(({ eb, refTuple, tuple }) => eb(refTuple('since', 'id'), 'in', [tuple(first, 't0'), tuple(last, 't0')]));
    assert.equal(await idsOf(among), 't0');
    const edges = await t.mill
      .query(tickets)
      .select(({ fn }) => [fn.min('since').as('earliest'), fn.max('since').as('latest')])
      .executeTakeFirst();
    assert.deepEqual(edges, { earliest: first, latest: last });
    await t.stop();
  });
});
