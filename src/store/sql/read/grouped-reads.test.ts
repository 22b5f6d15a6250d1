import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { StatementResult } from '../connection/flight.ts';
import type { Statement } from '../connection/statement.ts';
import { GroupedReads } from './grouped-reads.ts';

const asked = (text: string): Statement => ({ text, values: [] });

/** A database that answers each statement with its text, and refuses some. */
function database(refuses: (texts: readonly string[]) => Error | undefined = () => undefined) {
  const transactions: (readonly string[])[] = [];
  const read = async (...statements: readonly Statement[]): Promise<readonly StatementResult[]> => {
    const texts = statements.map(({ text }) => text);
    transactions.push(texts);
    const refusal = refuses(texts);
    if (refusal !== undefined) throw refusal;
    return texts.map((text) => ({ rows: [[text]], columns: ['text'], count: 1 }));
  };
  return {
    transactions,
    reads: new GroupedReads(read, (thrown) => thrown instanceof Error && 'code' in thrown && thrown.code === '22012'),
  };
}

const answerOf = (results: readonly StatementResult[]) => results.map(({ rows }) => rows[0]?.[0]);

/** The database's answer to a statement that it cannot execute. */
const refusal = () => Object.assign(new Error('division by zero'), { severity: 'ERROR', code: '22012' });

describe('grouped reads', () => {
  test('those in one turn of the event loop share a transaction, and each gets its own answers', async () => {
    const { transactions, reads } = database();
    const all = [reads.read(asked('a'), asked('b')), reads.read(asked('c')), Promise.resolve().then(() => reads.read(asked('d')))];
    assert.deepEqual((await Promise.all(all)).map(answerOf), [['a', 'b'], ['c'], ['d']]);
    assert.deepEqual(transactions, [['a', 'b', 'c', 'd']]);
    await setImmediate();
    assert.deepEqual(answerOf(await reads.read(asked('e'))), ['e']);
    assert.deepEqual(transactions.at(-1), ['e']);
  });

  test('a transaction has a limit, unless a single caller asks for more', async () => {
    const { transactions, reads } = database();
    const many = Array.from({ length: 40 }, (_, nth) => asked(`many ${nth}`));
    const all = [...Array.from({ length: 40 }, (_, nth) => reads.read(asked(String(nth)))), reads.read(...many)];
    assert.equal((await Promise.all(all)).flat().length, 80);
    assert.deepEqual(
      transactions.map(({ length }) => length),
      [32, 8, 40],
    );
  });

  test('only the read at fault in a refused group is refused', async () => {
    const { transactions, reads } = database((texts) => (texts.includes('bad') ? refusal() : undefined));
    const settled = await Promise.allSettled([reads.read(asked('a')), reads.read(asked('bad')), reads.read(asked('b'))]);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal(transactions.length, 4);
  });

  test('a lost connection affects its whole group', async () => {
    const { transactions, reads } = database(() => new Error('the connection has ended'));
    const settled = await Promise.allSettled([reads.read(asked('a')), reads.read(asked('b'))]);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(transactions.length, 1);
  });
});
