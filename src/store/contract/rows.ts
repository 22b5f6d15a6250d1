import assert from 'node:assert/strict';
import type { SqlValue } from '../../pipeline/table.ts';
import type { RowWrite } from '../store.ts';
import { add, event, own, put, refusal, rowsOf, type StoreTest, type Subject } from './fixtures.ts';

/** Rows of declared tables, and what a query answers. */
export function rowsContract(it: StoreTest): void {
  it('put replaces the row with the same key, the later one wins', async (subject) => {
    await write(subject, put('accounts', ['a', 1, 1.5, 1, '{}'], ['b', 1, null, null, null], ['b', 2, null, 0, null]));
    await write(subject, put('accounts', ['a', 2, null, null, null]));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 2), account('b', 2, { active: 0 })]);
  });

  it('add keeps the row with the same key, the earlier one wins', async (subject) => {
    await write(subject, add('accounts', ['a', 1, null, null, null]));
    await write(subject, add('accounts', ['a', 2, null, null, null], ['b', 1, null, null, null], ['b', 2, null, null, null]));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 1), account('b', 1)]);
  });

  it('writes happen in their order, also to different tables', async (subject) => {
    await write(
      subject,
      put('accounts', ['a', 1, null, null, null]),
      add('history', ['first']),
      put('accounts', ['a', 2, null, null, null]),
      add('accounts', ['a', 3, null, null, null]),
      add('history', ['second']),
    );
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 2)]);
    assert.deepEqual(await rowsOf(subject.store, 'history', 'what'), [{ what: 'first' }, { what: 'second' }]);
  });

  it('a table without a key takes equal rows', async (subject) => {
    await write(subject, add('history', ['same'], ['same']));
    assert.deepEqual(await rowsOf(subject.store, 'history', 'what'), [{ what: 'same' }, { what: 'same' }]);
  });

  it('a table that is all key, with names that SQL reserves, takes put and add', async (subject) => {
    await write(subject, put('pairs', ['a', 'x'], ['a', 'x'], ['a', 'y']), add('pairs', ['a', 'x'], ['b', 'x']));
    const rows = await subject.store.query('SELECT * FROM pairs', []);
    assert.deepEqual(rows.map(({ order, group }) => `${order}${group}`).toSorted(), ['ax', 'ay', 'bx']);
  });

  it('values come back as they were written', async (subject) => {
    const text = 'é🚀 it\'s "quoted"\n ';
    const last = Number.MAX_SAFE_INTEGER;
    const rows: readonly (readonly SqlValue[])[] = [
      ['', 0, 0, 0, 'null'],
      ['007', last, 0.1, 1, '{"a":[1,"é"]}'],
      [text, -last, -1.5e300, null, JSON.stringify(text)],
    ];
    await write(subject, put('accounts', ...rows));
    const found = await rowsOf(subject.store, 'accounts', 'version');
    const expected = [rows[2], rows[0], rows[1]].map(([id, version, balance, active, payload] = []) => ({
      id,
      version,
      balance,
      active,
      payload,
    }));
    assert.deepEqual(found, expected);
  });

  it('null in a column that allows none is refused, by put and by add', async (subject) => {
    await subject.store.append([event(subject.visits, 'a')]);
    for (const refused of [put('accounts', ['a', null, null, null, null]), add('accounts', ['a', null, null, null, null])]) {
      const error = await refusal(write(subject, add('history', ['before']), refused), 'MILL_COMMIT_REFUSED');
      assert.match(error.message, /accounts/);
    }
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), []);
    assert.deepEqual(await rowsOf(subject.store, 'history', 'what'), []);
  });

  it('a query sees every commit that was answered', async (subject) => {
    const owner = await own(subject.store, subject.visits);
    for (let version = 1; version <= 5; version += 1) {
      await owner.commit({ rows: [put('accounts', ['a', version, null, null, null])] });
      assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', version)]);
    }
  });

  it('a query takes parameters', async (subject) => {
    await write(subject, put('accounts', ["it's", 1, 0.5, 1, null], ['b', 2, null, 0, null], ['c', 3, 2.5, null, null]));
    const idsBy = async (where: string, ...parameters: SqlValue[]) => {
      const rows = await subject.store.query(`SELECT id FROM accounts WHERE ${where} ORDER BY id`, parameters);
      return rows.map(({ id }) => id);
    };
    assert.deepEqual(await idsBy('id = ?', "it's"), ["it's"]);
    assert.deepEqual(await idsBy('version >= ? AND version < ?', 2, 4), ['b', 'c']);
    assert.deepEqual(await idsBy('balance > ?', 1), ['c']);
    assert.deepEqual(await idsBy('id = ?', "' OR '1' = '1"), []);
  });

  it('a query that finds nothing answers no rows', async ({ store }) => {
    assert.deepEqual(await store.query('SELECT id FROM accounts WHERE version > 5', []), []);
  });

  it('a statement that fails is a request that is not valid', async ({ store }) => {
    for (const sql of ['SELEKT 1', 'SELECT nothing FROM accounts', 'SELECT * FROM no_such_table', 'SELECT id FROM accounts WHERE', '']) {
      const { message } = await refusal(store.query(sql, []), 'MILL_INVALID_REQUEST');
      assert.ok(message.length > 10, `expected what is wrong with it, found ${message}`);
    }
    assert.deepEqual(await store.query('SELECT id FROM accounts', []), [], 'the store goes on');
  });

  it('a statement that writes is refused and changes nothing', async (subject) => {
    await write(subject, put('accounts', ['a', 1, null, null, null]));
    const statements = [
      "INSERT INTO accounts (id, version) VALUES ('b', 1)",
      "UPDATE accounts SET version = 2 WHERE id = 'a'",
      'DELETE FROM accounts',
      'DROP TABLE accounts',
      'CREATE TABLE mine (id INTEGER)',
      "SELECT id FROM accounts; INSERT INTO accounts (id, version) VALUES ('b', 1)",
      "WITH new AS (SELECT 'b' AS id) INSERT INTO accounts (id, version) SELECT id, 1 FROM new",
      'BEGIN',
      'COMMIT',
    ];
    for (const sql of statements) await refusal(subject.store.query(sql, []), 'MILL_INVALID_REQUEST');
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 1)]);
    await write(subject, put('accounts', ['a', 2, null, null, null]));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 2)], 'and writing goes on');
  });
}

async function write({ store, visits }: Subject, ...rows: RowWrite[]): Promise<void> {
  const owner = await own(store, visits);
  await owner.commit({ rows });
}

function account(id: string, version: number, more: object = {}) {
  return { id, version, balance: null, active: null, payload: null, ...more };
}
