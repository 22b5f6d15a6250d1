import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { compareText } from '../../store/text-order.ts';
import { failing, type OnStore, onStore } from './fixture.test.ts';

/** Texts that some database collation, or some number parser, takes for one another. */
const confusable: readonly string[] = [
  ...['a', 'A', 'a ', 'A ', ' a', 'a  ', 'a\t', 'a\u00a0', 'a\u3000'],
  // Composed and decomposed characters, and others that are folded into them.
  ...['ä', 'a\u0308', 'Ä', 'A\u0308', 'ae', 'æ', 'å', '\u212b', 'a\u030a', 'é', 'e\u0301', 'e'],
  ...['ß', 'ss', 'SS', 'ẞ', 'ﬁ', 'fi', 'œ', 'oe'],
  ...['i', 'I', 'ı', 'İ', 'i\u0307'],
  ...['ａ', 'Ａ', '1', '１', '¹', '①', '1.0', '01', '1e0', '+1', 'K', '\u212a', 'k'],
  ...['a\u200d', 'a\u200b', 'a\u200c', '\ufeffa', 'a\u00ad', 'a\u2060', 'a\u0001', '\u200d', '\u200b', '\u0301', '\u0308'],
  ...['ж', 'Ж', 'е', 'ё', 'Ё', 'σ', 'ς', 'Σ', 'ա', 'Ա', 'ა', 'Ა', '𐐨', '𐐀', 'а'],
  ...['か', 'が', 'カ', 'ｶ', 'か\u3099', '한', '\u1112\u1161\u11ab', '👍', '👍🏽', '👍\ufe0f', '👎'],
  ...["'", "''", '\\', '\\\\', '"', '%', '_', '?', '$1', ' ', '  ', '\n', 'null', 'NULL', 'true'],
];

const Said = z.object({ key: z.string(), text: z.string() });
const Heard = z.object({ texts: z.array(z.string()) });
type Heard = z.infer<typeof Heard>;

const names = table('names', { name: 'text', nth: 'integer' }, { primaryKey: ['name'] });
const pairs = table('pairs', { one: 'text', other: 'text', label: 'text?' }, { primaryKey: ['one', 'other'], indexes: [['label']] });

const quoted = (text: string) => JSON.stringify(text);
const hear = (heard: Heard | undefined, text: string): Heard => ({ texts: [...(heard?.texts ?? []), text] });

const title = 'texts that a collation takes for the same stay apart';
const kinds = ['memory', 'sqlite', 'postgres in three slices', 'mariadb in three slices'] as const;

for (const kind of kinds) onStore(kind, title, staysApart);

function staysApart({ testMill }: OnStore): void {
  test('as keys: their states, order, sends and deliveries', async () => {
    const told: string[] = [];
    const heard = pipeline('heard', { event: Said, key: ({ key }) => key, state: Heard, handle: ({ text }, state) => hear(state, text) });
    const said = pipeline('said', {
      event: Said,
      key: ({ key }) => key,
      state: Heard,
      deliver: { door: { to: { call: async () => ({ result: 'delivered' }) }, order: 'key' } },
      handle({ key, text }, state, turn) {
        told.push(key);
        turn.send(heard, { key, text });
        turn.deliver('door', text, { id: `${text} ${key}` });
        return hear(state, text);
      },
    });
    const t = await testMill({ pipelines: [said, heard] });
    for (const text of ['first', 'second']) await t.ingestBatch('said', everyKey(text));
    await t.drain();
    assert.deepEqual(new Set(told), new Set(confusable));
    assert.equal(told.length, 2 * confusable.length);
    assert.deepEqual(
      t.calls.map(({ id }) => id).sort(compareText),
      ['first', 'second'].flatMap((text) => confusable.map((key) => `${text} ${key}`)).sort(compareText),
    );
    await t.crash();
    for (const key of confusable) {
      assert.deepEqual(await t.state('said', key), { texts: ['first', 'second'] }, quoted(key));
      assert.deepEqual(await t.state('heard', key), { texts: ['first', 'second'] }, quoted(key));
    }
    await t.stop();
  });

  test('as ids of events, even after a crash', async () => {
    const named = pipeline('named', {
      event: Said,
      key: ({ key }) => key,
      id: ({ text }) => text,
      state: Heard,
      handle: ({ text }, state) => hear(state, text),
    });
    const keyed = pipeline('keyed', { event: Said, key: ({ key }) => key, state: Heard, handle: ({ text }, state) => hear(state, text) });
    const t = await testMill({ pipelines: [named, keyed] });
    const events = confusable.map((text) => ({ key: 'one', text }));
    const judged = await t.ingestBatch('named', events);
    for (const [at, text] of confusable.entries()) assert.equal(judged[at]?.status, 'accepted', quoted(text));
    for (const event of events) assert.equal((await t.ingest('keyed', event, { id: event.text })).status, 'accepted', quoted(event.text));
    await t.drain();
    await t.crash();
    for (const pipeline of ['named', 'keyed'] as const) assert.deepEqual(await t.state(pipeline, 'one'), { texts: confusable });
    for (const event of events) {
      const again = await t.ingest('keyed', event, { id: event.text });
      assert.deepEqual(again, { status: 'duplicate', id: event.text });
    }
    const repeated = await t.ingestBatch('named', events);
    assert.deepEqual(
      repeated.map((one) => one.status),
      confusable.map(() => 'duplicate'),
    );
    await t.stop();
  });

  test('as names of timers', async () => {
    const rings = pipeline('rings', {
      event: Said,
      key: ({ key }) => key,
      state: Heard,
      timers: Object.fromEntries(confusable.map((name) => [name, (state: Heard | undefined) => hear(state, name)])),
      handle({ text }, state, turn) {
        for (const [at, name] of confusable.entries()) {
          if (text === 'arm') turn.timers.set(name, { after: 1_000 + at });
          else if (at % 2 === 0) turn.timers.cancel(name);
        }
        return state;
      },
    });
    const t = await testMill({ pipelines: [rings] });
    await t.ingest('rings', { key: 'one', text: 'arm' });
    await t.drain();
    await t.crash();
    const armed = await t.key('rings', 'one');
    assert.deepEqual(new Set(armed.timers.map(({ name }) => name)), new Set(confusable));
    await t.ingest('rings', { key: 'one', text: 'cancel' });
    await t.drain();
    await t.crash();
    await t.advance('1m');
    assert.deepEqual(await t.state('rings', 'one'), { texts: confusable.filter((_, at) => at % 2 === 1) });
    await t.stop();
  });

  test('in primary keys and other columns of tables: put, changed, searched and sorted', async () => {
    const rows = pipeline('rows', {
      event: Said,
      key: ({ key }) => key,
      tables: { names, pairs },
      handle({ text }, _state, turn) {
        for (const [nth, name] of confusable.entries()) {
          if (text === 'add') turn.add(names, { name, nth });
          if (text === 'add') turn.add(pairs, { one: name, other: confusable.at(nth - 1) ?? '', label: name });
          if (text === 'change' && nth % 2 === 0) turn.update(names, { name, nth: nth + 1_000 });
          if (text === 'put') turn.put(pairs, { one: name, other: confusable.at(nth - 1) ?? '', label: `${name}!` });
        }
      },
    });
    const t = await testMill({ pipelines: [rows] });
    const say = async (text: string) => {
      await t.ingest('rows', { key: 'one', text });
      await t.drain();
    };
    await say('add');
    for (const direction of ['asc', 'desc'] as const) {
      const found = await t.mill.query(names).select('name').orderBy('name', direction).execute();
      const inOrder = confusable.toSorted(compareText);
      assert.deepEqual(
        found.map(({ name }) => name),
        direction === 'asc' ? inOrder : inOrder.toReversed(),
      );
    }
    const labels = await t.mill.query(pairs).select('label').distinct().orderBy('label').execute();
    assert.deepEqual(
      labels.map(({ label }) => label),
      confusable.toSorted(compareText),
    );
    for (const [nth, name] of confusable.entries()) {
      assert.deepEqual(await t.mill.query(names).selectAll().where('name', '=', name).execute(), [{ name, nth }], quoted(name));
      assert.deepEqual(await t.mill.query(names).select('nth').where('name', 'in', [name]).execute(), [{ nth }], quoted(name));
      assert.deepEqual(await t.mill.query(pairs).select('one').where('label', '=', name).execute(), [{ one: name }], quoted(name));
      const others = await t.mill
        .query(pairs)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('label', '<>', name)
        .execute();
      assert.deepEqual(others, [{ count: confusable.length - 1 }], quoted(name));
    }
    for (const text of ['change', 'put']) await say(text);
    const changed = new Map((await t.rows(names)).map(({ name, nth }) => [name, nth]));
    assert.deepEqual(changed, new Map(confusable.map((name, nth) => [name, nth % 2 === 0 ? nth + 1_000 : nth])));
    const relabelled = await t.rows(pairs);
    assert.deepEqual(new Set(relabelled.map(({ one, label }) => label === `${one}!`)), new Set([true]));
    assert.equal(relabelled.length, confusable.length);
    assert.deepEqual(await t.deadLetters(), []);
    await t.stop();
  });

  test('as keys that wait: for a number, and for an operator', async () => {
    const numbered = pipeline('numbered', {
      event: Said.extend({ n: z.int() }),
      key: ({ key }) => key,
      order: { by: ({ n }) => n, from: 1, gap: 'wait' },
      state: Heard,
      retry: { attempts: 1 },
      handle: ({ text }, state) => (text === 'fails' ? failing() : hear(state, text)),
    });
    const t = await testMill({ pipelines: [numbered] });
    const isOdd = (_: string, at: number) => at % 2 === 1;
    const [waiting, others] = [confusable.filter(isOdd), confusable.filter((text, at) => !isOdd(text, at))];
    await t.ingestBatch(
      'numbered',
      waiting.map((key) => ({ key, text: 'early', n: 2 })),
    );
    await t.ingestBatch(
      'numbered',
      others.map((key) => ({ key, text: 'fails', n: 1 })),
    );
    await t.drain();
    await t.crash();
    for (const key of others) {
      const letters = await t.mill.deadLetters({ key, limit: 10 });
      assert.deepEqual(
        letters.map((letter) => letter.key),
        [key],
      );
      assert.equal((await t.key('numbered', key)).status, 'parked', quoted(key));
    }
    for (const key of waiting) {
      const { status, pending } = await t.key('numbered', key);
      assert.deepEqual([status, pending], ['waiting', 1], quoted(key));
      assert.deepEqual(await t.mill.deadLetters({ key, limit: 10 }), []);
    }
    assert.deepEqual(new Set((await t.mill.gaps('numbered', { limit: 1_000 })).map(({ key }) => key)), new Set(waiting));
    await t.ingestBatch(
      'numbered',
      waiting.map((key) => ({ key, text: 'first', n: 1 })),
    );
    await t.drain();
    for (const key of waiting) assert.deepEqual(await t.state('numbered', key), { texts: ['first', 'early'] }, quoted(key));
    for (const key of others) assert.equal(await t.state('numbered', key), undefined, quoted(key));
    await t.stop();
  });
}

function everyKey(text: string): z.infer<typeof Said>[] {
  return confusable.map((key) => ({ key, text }));
}
