import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { MillraceError } from '../errors.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { post, problemIn, serve } from './fixture.test.ts';

/** Adds a route that throws the given value. */
function throwing(thrown: unknown): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/fails', async () => {
      throw thrown;
    });
  };
}

test('an invalid event is answered with its faults and their places', async (t) => {
  const { url } = await serve(t);
  const response = await post(`${url}/pipelines/visits/events`, { page: 7 });
  assert.deepEqual(
    { ...(await problemIn(response)), detail: '' },
    {
      type: 'urn:millrace:error:invalid-event',
      title: 'The event is invalid',
      status: 400,
      detail: '',
      code: 'MILL_INVALID_EVENT',
      errors: [{ path: 'page', message: 'Invalid input: expected string, received number' }],
    },
  );
});

/** The refusal of an event whose schema rejects every row. */
async function refusalOfRows(t: TestContext, rows: number, issue: (at: number) => { path: PropertyKey[]; message: unknown }) {
  const validate = () => ({ issues: Array.from({ length: rows }, (_, at) => issue(at)) });
  const event = { '~standard': { version: 1, vendor: 'test', validate } } as never;
  const { url } = await serve(t, { pipelines: [pipeline('rows', { event, handle: () => undefined })] });
  const response = await post(`${url}/pipelines/rows/events`, {});
  const text = await response.text();
  const batch = await post(`${url}/pipelines/rows/events/batch`, { events: Array.from({ length: 20 }, () => ({})) });
  return { bytes: text.length, problem: JSON.parse(text), bytesOfBatch: (await batch.text()).length };
}

test('an event with a large number of issues is answered with the first hundred and the total, each shortened', async (t) => {
  const { problem, bytes, bytesOfBatch } = await refusalOfRows(t, 100_000, (at) => ({ path: ['rows', at], message: 'expected a row' }));
  assert.equal(problem.errors.length, 100);
  assert.equal(problem.errorCount, 100_000);
  assert.match(problem.detail, /^pipeline rows: rows\[0\]: expected a row; .*; and 999\d\d more$/);
  assert.ok(bytes < 10_000, String(bytes));
  assert.ok(bytesOfBatch < 20_000, String(bytesOfBatch));
  const long = await refusalOfRows(t, 200, () => ({ path: ['k'.repeat(1_000_000), 'k'], message: 'm'.repeat(1_000_000) }));
  assert.ok(long.bytes < 150_000, String(long.bytes));
  assert.ok(long.bytesOfBatch < 150_000, String(long.bytesOfBatch));
  const odd = await refusalOfRows(t, 1, () => ({ path: [], message: { text: 'no text' } }));
  assert.deepEqual(odd.problem.errors, [{ path: '', message: '{"text":"no text"}' }]);
});

test('a 503 says when to retry, in whole seconds', async (t) => {
  for (const [retryAfterMs, expected] of [
    [1_001, '2'],
    [5_000, '5'],
    [10, '1'],
    [undefined, '1'],
  ] as const) {
    const { url } = await serve(t, {
      routes: throwing(new MillraceError('MILL_BACKLOG_FULL', 'full', retryAfterMs === undefined ? {} : { retryAfterMs })),
    });
    const response = await fetch(`${url}/fails`);
    assert.equal(response.headers.get('retry-after'), expected);
    assert.equal((await problemIn(response)).status, 503);
  }
});

test('an unexpected error is logged completely, and nothing of it is revealed to the caller', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  for (const thrown of [
    new TypeError('the password is hunter2'),
    'hunter2',
    { statusCode: 200, secret: 'hunter2' },
    Object.assign(new Error('hunter2'), { statusCode: 499.5 }),
    Object.assign(new Error('hunter2'), { statusCode: '404' }),
    undefined,
    new MillraceError('MILL_INTERNAL', 'the password is hunter2'),
  ]) {
    const { url } = await serve(t, { routes: throwing(thrown), log });
    const problem = await problemIn(await fetch(`${url}/fails`));
    assert.equal(problem.code, 'MILL_INTERNAL');
    assert.ok(!JSON.stringify(problem).includes('hunter2'));
  }
  assert.match(lines[0] ?? '', /hunter2.*failures\.test\.ts/);
  assert.equal(lines.length, 7);
});

test('a route that fails with its own HTTP status is answered with that status', async (t) => {
  const teapot = Object.assign(new Error('short and stout'), { statusCode: 418 });
  const { url } = await serve(t, { routes: throwing(teapot) });
  assert.deepEqual(await problemIn(await fetch(`${url}/fails`)), {
    type: 'about:blank',
    title: "I'm a Teapot",
    status: 418,
    detail: 'short and stout',
  });
});

test('refusals are not logged', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const { url } = await serve(t, { routes: throwing(new MillraceError('MILL_BACKLOG_FULL', 'full')), log });
  await fetch(`${url}/fails`);
  await fetch(`${url}/nowhere`);
  await post(`${url}/pipelines/visits/events`, '{');
  assert.deepEqual(lines, []);
});

test('at debug every answer is logged', async (t) => {
  const { promise: logged, resolve } = Promise.withResolvers<string>();
  const { url } = await serve(t, {
    log: pino({ level: 'debug' }, { write: (line: string) => line.includes('answered') && resolve(line) }),
  });
  await fetch(`${url}/ping?verbose`);
  assert.match(await logged, /"method":"GET","path":"\/ping","status":\d+,"elapsedMs":/);
});

test('a request logs to the server’s log', async (t) => {
  const lines: string[] = [];
  const { url } = await serve(t, {
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    routes: (app) => {
      app.log.info('added');
      app.get('/logs', async ({ log }) => {
        log.info('asked');
        return {};
      });
    },
  });
  await fetch(`${url}/logs`);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['added', 'asked'],
  );
});
