import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../engine/mill.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { table } from '../pipeline/table.ts';
import { temporaryFolder } from '../store/sqlite/fixture.test.ts';
import { sqlite } from '../store/sqlite/sqlite-store.ts';
import { signalOf } from './client-signal.ts';
import { createServer } from './create-server.ts';

const notes = table('notes', { id: 'text' }, { primaryKey: ['id'] });
const noting = pipeline('notes', {
  event: z.object({ id: z.string() }),
  key: ({ id }) => id,
  tables: { notes },
  handle: (note, _, turn) => turn.put(notes, note),
});

/** A server on SQLite with a route whose query takes years, and one whose query takes no time. */
async function serve(t: TestContext, limits: { readonly reads?: number; readonly readTimeoutMs?: number } = {}) {
  const mill = millrace({ store: sqlite(join(temporaryFolder(t), 'mill.db')), pipelines: [noting], limits });
  await mill.start();
  await mill.ingestBatch(
    'notes',
    Array.from({ length: 1_000 }, (_, n) => ({ id: `${n}` })),
  );
  assert.ok(await mill.settled('notes', 20_000));
  const begun: (() => void)[] = [];
  const system = {
    name: 'notes',
    title: 'Notes',
    description: 'Keeps notes.',
    pipelines: [noting],
    routes(app: FastifyInstance) {
      app.get('/slow', async (_request, reply) => {
        const pairs = sql<number>`(select count(*) from notes as a, notes as b, notes as c, notes as d where a.id < d.id)`.as('pairs');
        const read = mill
          .query(notes, { signal: signalOf(reply) })
          .select(pairs)
          .execute();
        begun.shift()?.();
        return read;
      });
      app.get('/quick', async (_request, reply) => ({
        found: (
          await mill
            .query(notes, { signal: signalOf(reply) })
            .selectAll()
            .where('id', '=', '7')
            .execute()
        ).length,
      }));
    },
  };
  const server = await createServer({ mill: mill as never, systems: [system], log: pino({ level: 'silent' }) });
  t.after(() => server.stop(1_000));
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  /** Asks the slow route; resolves once its query has begun. */
  const askSlow = async (signal?: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun.push(resolve);
    const answer = fetch(`${url}/slow`, { signal: signal ?? null });
    answer.catch(() => undefined);
    await promise;
    return { answer };
  };
  return { url, mill, askSlow };
}

test('reads whose clients have left are ended, and hold nobody up', async (t) => {
  const { url, mill, askSlow } = await serve(t, { readTimeoutMs: 600_000 });
  const gone = new AbortController();
  const asked = [];
  for (let n = 0; n < 20; n += 1) asked.push(await askSlow(gone.signal));
  // None of them holds up the engine's own reads and turns.
  await mill.ingest('notes', { id: 'meanwhile' });
  assert.ok(await mill.settled('notes', 20_000));
  assert.equal((await fetch(`${url}/dead-letters?pipeline=notes`)).status, 200);
  gone.abort();
  assert.deepEqual(await (await fetch(`${url}/quick`)).json(), { found: 1 });
  await Promise.allSettled(asked.map(({ answer }) => answer));
});

test('a read that takes too long is ended and answered with 503', async (t) => {
  const { url, askSlow } = await serve(t, { readTimeoutMs: 3_000 });
  const { answer } = await askSlow();
  const { status, headers } = await answer;
  assert.deepEqual([status, headers.get('retry-after')], [503, '1']);
  assert.match(await (await answer).text(), /MILL_READ_TIMEOUT/);
  assert.deepEqual(await (await fetch(`${url}/quick`)).json(), { found: 1 });
});

test('reads beyond the limit are refused at once, and admitted when others have ended', async (t) => {
  const { url, askSlow } = await serve(t, { reads: 2, readTimeoutMs: 600_000 });
  const gone = new AbortController();
  await askSlow(gone.signal);
  await askSlow(gone.signal);
  const refused = await fetch(`${url}/quick`);
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
  assert.match(await refused.text(), /MILL_READS_FULL/);
  gone.abort();
  let status = 503;
  while (status === 503) ({ status } = await fetch(`${url}/quick`));
  assert.equal(status, 200);
});
