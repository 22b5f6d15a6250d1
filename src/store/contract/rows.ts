import assert from 'node:assert/strict';
import type { FoundValue, SqlValue } from '../../pipeline/table.ts';
import type { RowWrite } from '../store.ts';
import { add, event, find, own, put, refusal, rowsOf, type StoreTest, type Subject, update } from './fixtures.ts';

/** Tests rows of declared tables, and query results. */
export function rowsContract(it: StoreTest): void {
  it('put replaces the row with the same key, and the later one wins', async (subject) => {
    await write(subject, put('accounts', ['a', 1, 1.5, 1, '{}'], ['b', 1, null, null, null], ['b', 2, null, 0, null]));
    await write(subject, put('accounts', ['a', 2, null, null, null]));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 2), account('b', 2, { active: 0 })]);
  });

  it('add keeps the row with the same key, and the earlier one wins', async (subject) => {
    await write(subject, add('accounts', ['a', 1, null, null, null]));
    await write(subject, add('accounts', ['a', 2, null, null, null], ['b', 1, null, null, null], ['b', 2, null, null, null]));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 1), account('b', 1)]);
  });

  it('update changes only the named columns of the row with that key', async (subject) => {
    await write(subject, put('accounts', ['a', 1, 1.5, 1, '{}'], ['b', 1, 2.5, 0, '[]']));
    await write(
      subject,
      update('accounts', ['balance', 'id'], [9.5, 'a']),
      update('accounts', ['id', 'version', 'payload'], ['b', 2, null]),
    );
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [
      account('a', 1, { balance: 9.5, active: 1, payload: '{}' }),
      account('b', 2, { balance: 2.5, active: 0 }),
    ]);
  });

  it('several updates of one row all take effect, and the later one wins', async (subject) => {
    await write(
      subject,
      put('accounts', ['a', 1, null, null, null]),
      update('accounts', ['id', 'version'], ['a', 2], ['a', 3]),
      update('accounts', ['id', 'balance'], ['a', 0.5]),
      update('accounts', ['id', 'version', 'active'], ['a', 4, 1]),
    );
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 4, { balance: 0.5, active: 1 })]);
  });

  it('update adds no row, and one that names only the key changes nothing', async (subject) => {
    await write(subject, put('accounts', ['a', 1, null, null, null]));
    await write(subject, update('accounts', ['id', 'version'], ['b', 2]), update('accounts', ['id'], ['a'], ['c']));
    await write(subject, update('pairs', ['order', 'group'], ['a', 'x']));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 1)]);
    assert.deepEqual(await subject.store.query('SELECT * FROM pairs', []), []);
  });

  it('update finds a row by its whole key, in any order', async (subject) => {
    await write(subject, put('seats', ['x', 1, 'free'], ['x', 2, 'free'], ['y', 1, 'free']));
    await write(
      subject,
      update('seats', ['number', 'state', 'group'], [1, 'taken', 'x']),
      update('seats', ['group', 'number', 'state'], ['y', 1, 'sold']),
    );
    const rows = await subject.store.query('SELECT * FROM seats', []);
    assert.deepEqual(rows.map((row) => Object.values(row).join(' ')).toSorted(), ['x 1 taken', 'x 2 free', 'y 1 sold']);
  });

  it('an update to null in a column that does not allow it is refused, together with earlier rows', async (subject) => {
    await write(subject, put('accounts', ['a', 1, null, null, null]));
    const refused = write(subject, update('accounts', ['id', 'balance'], ['a', 7]), update('accounts', ['id', 'version'], ['a', null]));
    assert.match((await refusal(refused, 'MILL_COMMIT_REFUSED')).message, /accounts/);
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 1)]);
  });

  it('an update without the whole key, of missing columns, or of a table without a key is invalid', async (subject) => {
    const wrong = [
      update('accounts', ['version'], [1]),
      update('seats', ['group', 'state'], ['x', 'taken']),
      update('accounts', ['id', 'colour'], ['a', 'red']),
      update('history', ['what'], ['it happened']),
      update('nothing', ['id'], ['a']),
    ];
    for (const one of wrong) await refusal(write(subject, one), 'MILL_INVALID_EFFECT');
  });

  it('writes happen in order, even to different tables', async (subject) => {
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

  it('a table without a key accepts equal rows', async (subject) => {
    await write(subject, add('history', ['same'], ['same']));
    assert.deepEqual(await rowsOf(subject.store, 'history', 'what'), [{ what: 'same' }, { what: 'same' }]);
  });

  it('a table consisting only of its key, with reserved SQL names, accepts put and add', async (subject) => {
    await write(subject, put('pairs', ['a', 'x'], ['a', 'x'], ['a', 'y']), add('pairs', ['a', 'x'], ['b', 'x']));
    const rows = await subject.store.query('SELECT * FROM pairs', []);
    assert.deepEqual(rows.map(({ order, group }) => `${order}${group}`).toSorted(), ['ax', 'ay', 'bx']);
  });

  it('values come back as written', async (subject) => {
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

  it('a query returns any row: an integer that a number would round comes as a bigint', async (subject) => {
    const beyond = 2 ** 53 + 2;
    const fine = ['c', Number.MAX_SAFE_INTEGER, 0.5, 1, '[]'] as const;
    await write(subject, put('accounts', ['a', beyond, -1.5e300, 1, '[1405478888888888901]'], ['b', -beyond, null, 0, null], fine));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [
      { id: 'a', version: BigInt(beyond), balance: -1.5e300, active: 1, payload: '[1405478888888888901]' },
      { id: 'b', version: BigInt(-beyond), balance: null, active: 0, payload: null },
      { id: 'c', version: Number.MAX_SAFE_INTEGER, balance: 0.5, active: 1, payload: '[]' },
    ]);
    const [most] = await subject.store.query('SELECT max(version) AS version FROM accounts', []);
    assert.deepEqual(most, { version: BigInt(beyond) });
  });

  it('infinity is returned unchanged, or refused', async (subject) => {
    const row = (id: string, balance: number) => put('accounts', [id, 1, balance, null, null]);
    if (!subject.hasInfinity) {
      assert.match((await refusal(write(subject, row('a', Number.POSITIVE_INFINITY)), 'MILL_COMMIT_REFUSED')).message, /accounts.*balance/);
      assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), []);
      return;
    }
    await write(subject, row('a', Number.POSITIVE_INFINITY), row('b', Number.NEGATIVE_INFINITY));
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [
      account('a', 1, { balance: Number.POSITIVE_INFINITY }),
      account('b', 1, { balance: Number.NEGATIVE_INFINITY }),
    ]);
    assert.deepEqual(await find(subject.store, 'SELECT id FROM accounts WHERE balance = ?', [Number.NEGATIVE_INFINITY]), [{ id: 'b' }]);
  });

  it('a row can be found by an integer that a number would round, and compared with infinity', async (subject) => {
    const beyond = 2 ** 53 + 2;
    await write(subject, put('accounts', ['a', beyond, -1, null, null], ['b', beyond + 2, 1, null, null]));
    const idsBy = async (where: string, parameter: FoundValue) =>
      (await find(subject.store, `SELECT id FROM accounts WHERE ${where} ORDER BY id`, [parameter])).map(({ id }) => id);
    assert.deepEqual(await idsBy('version = ?', BigInt(beyond)), ['a']);
    assert.deepEqual(await idsBy('version > ?', BigInt(beyond) + 1n), ['b']);
    assert.deepEqual(await idsBy('balance > ?', Number.NEGATIVE_INFINITY), ['a', 'b']);
    assert.deepEqual(await idsBy('balance >= ?', Number.POSITIVE_INFINITY), []);
  });

  it('text that is not JSON is refused in a json column, by put, add and update', async (subject) => {
    await write(subject, put('accounts', ['a', 1, null, null, '{"a":1}'], ['b', 1, null, null, null]));
    for (const text of ['redacted', '', '{a:1}', '[1,]']) {
      const writes = [
        put('accounts', ['c', 1, null, null, text]),
        add('accounts', ['c', 1, null, null, text]),
        update('accounts', ['id', 'payload'], ['a', text]),
      ];
      for (const refused of writes)
        assert.match((await refusal(write(subject, refused), 'MILL_COMMIT_REFUSED')).message, /accounts.*payload/);
    }
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', 1, { payload: '{"a":1}' }), account('b', 1)]);
  });

  it('null in a column that does not allow it is refused, by put and by add', async (subject) => {
    await subject.store.append([event(subject.visits, 'a')]);
    for (const refused of [put('accounts', ['a', null, null, null, null]), add('accounts', ['a', null, null, null, null])]) {
      const error = await refusal(write(subject, add('history', ['before']), refused), 'MILL_COMMIT_REFUSED');
      assert.match(error.message, /accounts/);
    }
    assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), []);
    assert.deepEqual(await rowsOf(subject.store, 'history', 'what'), []);
  });

  it('a query sees every answered commit', async (subject) => {
    const owner = await own(subject.store, subject.visits);
    for (let version = 1; version <= 5; version += 1) {
      await owner.commit({ rows: [put('accounts', ['a', version, null, null, null])] });
      assert.deepEqual(await rowsOf(subject.store, 'accounts', 'id'), [account('a', version)]);
    }
  });

  it('a query takes parameters', async (subject) => {
    await write(subject, put('accounts', ["it's", 1, 0.5, 1, null], ['b', 2, null, 0, null], ['c', 3, 2.5, null, null]));
    const idsBy = async (where: string, ...parameters: SqlValue[]) => {
      const rows = await find(subject.store, `SELECT id FROM accounts WHERE ${where} ORDER BY id`, parameters);
      return rows.map(({ id }) => id);
    };
    assert.deepEqual(await idsBy('id = ?', "it's"), ["it's"]);
    assert.deepEqual(await idsBy('version >= ? AND version < ?', 2, 4), ['b', 'c']);
    assert.deepEqual(await idsBy('balance > ?', 1), ['c']);
    assert.deepEqual(await idsBy('id = ?', "' OR '1' = '1"), []);
  });

  it('a query that finds nothing returns no rows', async ({ store }) => {
    assert.deepEqual(await store.query('SELECT id FROM accounts WHERE version > 5', []), []);
  });

  it('a failing statement is an invalid request', async ({ store }) => {
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
