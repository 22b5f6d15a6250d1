import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { MillraceError } from '../../../errors.ts';
import { WriteLock } from '../file/write-lock.ts';
import { GroupCommit } from './group-commit.ts';

/** A database with a table of texts, and a group whose requests are SQL statements. */
function opened(schema: string): { run(...requests: string[]): Record<string, string>; texts(): unknown[]; reloads(): number } {
  const db = new DatabaseSync(':memory:');
  db.exec(`CREATE TABLE texts (text TEXT PRIMARY KEY) STRICT; ${schema}`);
  let reloads = 0;
  const group = new GroupCommit<string>(
    db,
    { path: 'test.db', lock: new WriteLock(db, 0), room: { refusal: () => undefined, ranOut: () => undefined, landed: () => undefined } },
    {
      run(request) {
        if (request === 'refuse') throw new MillraceError('MILL_COMMIT_REFUSED', 'refused');
        if (request === 'fence') throw new MillraceError('MILL_STORE_FENCED', 'fenced');
        if (request === 'full') throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
        return db.prepare(`INSERT INTO texts VALUES ('${request}')`).run().changes;
      },
      reload() {
        assert.ok(db.isTransaction);
        reloads += 1;
      },
      check: () => undefined,
    },
  );
  const texts = () =>
    db
      .prepare('SELECT text FROM texts ORDER BY text')
      .all()
      .map((row) => row.text);
  return {
    run(...requests) {
      const outcomes: Record<string, string> = {};
      group.run(requests, (request, outcome) => {
        assert.equal(db.isTransaction, false, 'told before the commit');
        assert.equal(outcomes[request], undefined, 'told twice');
        outcomes[request] = 'error' in outcome ? outcome.error.code : `${outcome.value} of ${texts().length}`;
      });
      return outcomes;
    },
    texts,
    reloads: () => reloads,
  };
}

describe('a group of requests', () => {
  test('is reported once all of it is committed', () => {
    const { run, texts } = opened('');
    assert.deepEqual(run('a', 'b', 'c'), { a: '1 of 3', b: '1 of 3', c: '1 of 3' });
    assert.deepEqual(texts(), ['a', 'b', 'c']);
  });

  test('loses only the refused requests', () => {
    const { run, texts, reloads } = opened('');
    assert.deepEqual(run('a', 'refuse', 'b', 'fence', 'c'), {
      a: '1 of 3',
      b: '1 of 3',
      c: '1 of 3',
      refuse: 'MILL_COMMIT_REFUSED',
      fence: 'MILL_STORE_FENCED',
    });
    assert.deepEqual(texts(), ['a', 'b', 'c']);
    assert.equal(reloads(), 2);
    assert.deepEqual(run('refuse'), { refuse: 'MILL_COMMIT_REFUSED' });
    assert.deepEqual(run('d'), { d: '1 of 4' });
    assert.equal(reloads(), 3);
  });

  test('survives a trigger that rolls the whole transaction back', () => {
    const { run, texts } = opened(
      "CREATE TRIGGER no_x BEFORE INSERT ON texts WHEN new.text = 'x' BEGIN SELECT RAISE(ROLLBACK, 'no x'); END",
    );
    assert.deepEqual(run('a', 'x', 'b'), { a: '1 of 2', b: '1 of 2', x: 'MILL_INTERNAL' });
    assert.deepEqual(texts(), ['a', 'b']);
  });

  test('loses only the request whose deferred constraint fails at the commit', () => {
    const { run, texts } = opened(`CREATE TABLE parents (text TEXT PRIMARY KEY); INSERT INTO parents VALUES ('a'), ('b');
      CREATE TABLE children (text TEXT REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER child AFTER INSERT ON texts BEGIN INSERT INTO children VALUES (new.text); END`);
    assert.deepEqual(run('a', 'x', 'b'), { a: '1 of 1', b: '1 of 2', x: 'MILL_COMMIT_REFUSED' });
    assert.deepEqual(texts(), ['a', 'b']);
  });

  test('fails as a whole when the disk is full, and the next one may succeed', () => {
    const { run, texts } = opened('');
    assert.deepEqual(run('a', 'full', 'b'), { a: 'MILL_STORE_FULL', b: 'MILL_STORE_FULL', full: 'MILL_STORE_FULL' });
    assert.deepEqual(texts(), []);
    assert.deepEqual(run('a'), { a: '1 of 1' });
  });
});
