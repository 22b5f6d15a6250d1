import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { isCode, onEveryStore, upTo } from './fixture.test.ts';

const Note = z.object({ key: z.string(), text: z.string() });
const notes = table('notes', { key: 'text', text: 'text' }, { primaryKey: ['key'] });

/** Keeps each note as state and row. One without a text fails. */
const notebook = pipeline('notebook', {
  event: Note,
  key: ({ key }) => key,
  state: z.string(),
  tables: { notes },
  retry: { attempts: 1 },
  handle({ key, text }, _state, turn) {
    if (key === 'fails') throw new Error('no such note');
    turn.put(notes, { key, text });
    return text;
  },
});

const large = 'x'.repeat(200_000);

/** Counts the turns of the event loop. */
function countTurns() {
  let turns = 0;
  let isOver = false;
  const next = () => {
    turns += 1;
    if (!isOver) setImmediate(next);
  };
  setImmediate(next);
  return { now: () => turns, stop: () => (isOver = true) };
}

onEveryStore('promise 7: large reads hold nobody up', ({ testMill }) => {
  test('only one large state, dead letter or row is handed out per turn of the event loop, but small ones at once', async () => {
    const t = await testMill({ pipelines: [notebook] });
    for (const key of ['a', 'fails']) await t.ingest('notebook', { key, text: large });
    await t.ingest('notebook', { key: 'small', text: 'x' });
    await t.drain();
    const reads: readonly (readonly [what: string, read: (signal?: AbortSignal) => Promise<unknown>])[] = [
      ['states', (signal) => t.mill.state('notebook', 'a', { signal })],
      ['dead letters', (signal) => t.mill.deadLetters({}, { signal })],
      ['rows', (signal) => t.mill.query(notes, { signal }).selectAll().execute()],
    ];
    for (const [what, read] of reads) {
      const turns = countTurns();
      const handedOut = await Promise.all(upTo(10).map(() => read().then(turns.now)));
      turns.stop();
      assert.equal(new Set(handedOut).size, 10, `${what} in the turns ${handedOut.join(', ')}`);
    }
    const gone = new AbortController();
    const readers = upTo(10).map((n) => reads[0]?.[1](n > 1 ? gone.signal : undefined));
    gone.abort();
    const ended = await Promise.allSettled(readers);
    for (const [at, end] of ended.entries()) {
      if (end.status === 'rejected') assert.ok(isCode('MILL_READ_CANCELLED')(end.reason));
      assert.equal(end.status, at === 0 ? 'fulfilled' : 'rejected');
    }
    assert.equal(await t.mill.state('notebook', 'small'), 'x');
    await t.stop();
  });
});
