import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { MillraceError, memory, millrace, pipeline, retryAfterMs, sqlite, type Turn, table, tableSource } from '../../src/index.ts';
import {
  answerBatch,
  configure,
  createServer,
  decodeCursor,
  durationUpTo,
  exactly,
  exactValue,
  ingestRoute,
  integerBetween,
  jsonSchemaOf,
  parseRequest,
  signalOf,
  traceOf,
} from '../../src/server/index.ts';
import { storeContract, type TestMill, testMill, VirtualClock } from '../../src/testing/index.ts';
import { strange, takesOrRefuses } from './strange.ts';

const pages = table('pages', { page: 'text', visits: 'integer' }, { primaryKey: ['page'] });
const visit = z.object({ page: z.string() });
const visits = pipeline('visits', { event: visit, key: ({ page }) => page, handle: () => undefined });
const transport = { call: async () => ({ result: 'delivered' }) as const };
const mill = millrace({ store: memory(), pipelines: [] });
const log = pino({ level: 'silent' });
const app = { post: () => undefined, hasDecorator: () => false, prefix: '' };

describe('other arguments', () => {
  const calls: Readonly<Record<string, (value: never) => unknown>> = {
    'the name of a pipeline': (value) => pipeline(value, { event: visit, handle: () => undefined }),
    'the name of a table': (value) => table(value, { page: 'text' }),
    'the columns of a table': (value) => table('pages', value),
    'the type of a column': (value) => table('pages', { page: value }),
    'the path of a database': (value) => sqlite(value),
    'the table of a source': (value) => tableSource(value, { rows: () => undefined as never, event: () => 1 }),
    'the bounds of a setting': (value) => integerBetween(value, value),
    'the longest duration of a setting': (value) => durationUpTo(value),
    'the path of a route': (value) => ingestRoute(app as never, value, {}, async () => ({})),
    'the action of a route': (value) => ingestRoute(app as never, '/', {}, value),
    'the app of a route': (value) => ingestRoute(value, '/', {}, async () => ({})),
    'a system': (value) => configure(value, {}),
    'a server': (value) => createServer(value),
    'the engine of a server': (value) => createServer({ mill: value, systems: [], log }),
    'the logger of a server': (value) => createServer({ mill, systems: [], log: value }),
    'the access of a server': (value) => createServer({ mill, systems: [], log, access: value }),
    'the tokens of a server': (value) => createServer({ mill, systems: [], log, access: { tokens: value } }),
    'the limits of a server': (value) => createServer({ mill, systems: [], log, limits: value }),
    'the start of a clock': (value) => new VirtualClock(value),
    'the schema of a request': (value) => parseRequest(value, {}),
    'the schema of the docs': (value) => jsonSchemaOf(value),
    'the side of a schema': (value) => jsonSchemaOf(visit, value),
    'the schema of a cursor': (value) => decodeCursor(value, ''),
    'a cursor': (value) => decodeCursor(z.tuple([z.string()]), value),
    'the schema of an exact value': (value) => exactly(value),
    'the row of an exact value': (value) => exactValue(value, 'x' as never),
    'the reply of a signal': (value) => signalOf(value),
    'the request of a trace': (value) => traceOf(value),
    'the verdicts on a batch': (value) => answerBatch(value, ''),
    'the headers of an answer': (value) => retryAfterMs(value),
    'the harness of a store': (value) => storeContract('mine', value),
    'the partitions of a store': (value) => millrace({ store: Object.assign(memory(), { partitions: value }), pipelines: [] }),
  };
  for (const [what, call] of Object.entries(calls)) {
    test(`${what} is accepted, or refused by a MillraceError`, () => takesOrRefuses(call));
  }
});

describe('the methods of an engine', () => {
  let t: TestMill;
  before(async () => {
    t = await testMill({ pipelines: [visits, scheduled] });
  });
  after(() => t.stop());

  const scheduled = pipeline('scheduled', { event: visit, handle: () => undefined, schedule: { every: '1h', source: () => [] } });
  const event = { page: '/home' };
  const calls: Readonly<Record<string, (value: never) => unknown>> = {
    'ingest: pipeline': (value) => t.mill.ingest(value, event),
    'ingest: event': (value) => t.mill.ingest('visits', value),
    'ingest: options': (value) => t.mill.ingest('visits', event, value),
    'ingest: id': (value) => t.mill.ingest('visits', event, { id: value }),
    'ingest: traceparent': (value) => t.mill.ingest('visits', event, { traceparent: value }),
    'ingestBatch: events': (value) => t.mill.ingestBatch('visits', value),
    'ingestBatch: options': (value) => t.mill.ingestBatch('visits', [event], value),
    'ingestBatch: traceparent': (value) => t.mill.ingestBatch('visits', [event], { traceparent: value }),
    'state: key': (value) => t.mill.state('visits', value),
    'state: options': (value) => t.mill.state('visits', 'a', value),
    'state: waitMs': (value) => t.mill.state('visits', 'a', { waitMs: value }),
    'keys: keys': (value) => t.mill.keys('visits', value),
    'keys: a key': (value) => t.mill.keys('visits', [value]),
    'keys: options': (value) => t.mill.keys('visits', ['a'], value),
    'settled: timeoutMs': (value) => t.mill.settled('visits', value),
    'idle: timeoutMs': (value) => t.mill.idle(value),
    'query: table': (value) => t.mill.query(value),
    'deadLetters: query': (value) => t.mill.deadLetters(value),
    'deadLetters: limit': (value) => t.mill.deadLetters({ limit: value }),
    'deadLetters: key': (value) => t.mill.deadLetters({ key: value }),
    'redrive: id': (value) => t.mill.redrive(value),
    'discard: id': (value) => t.mill.discard(value),
    'withdraw: endpoint': (value) => t.mill.withdraw('visits', value),
    'schedule: pipeline': (value) => t.mill.schedule(value),
    'pause: options': (value) => t.mill.schedule('scheduled').pause(value),
    'pause: for': (value) => t.mill.schedule('scheduled').pause({ for: value }),
    'advance: by': (value) => t.advance(value),
    'rows: table': (value) => t.rows(value),
  };
  const stopping = (value: never) => millrace({ store: memory(), pipelines: [] }).stop(value);

  for (const [what, call] of Object.entries({ ...calls, 'stop: options': stopping })) {
    test(`${what} is accepted, or refused by a MillraceError`, () => takesOrRefuses(call));
  }
});

test('a handler’s request is accepted, or fails its turn by a MillraceError', async () => {
  const Event = z.object({ page: z.string() });
  const says: Readonly<Record<string, (turn: Turn, value: never) => unknown>> = {
    'put: table': (turn, value) => turn.put(value, { page: 'a', visits: 1 } as never),
    'put: row': (turn, value) => turn.put(pages, value),
    'add: table': (turn, value) => turn.add(value, {} as never),
    'add: row': (turn, value) => turn.add(pages, value),
    'update: table': (turn, value) => turn.update(value, {} as never),
    'update: row': (turn, value) => turn.update(pages, value),
    'send: to': (turn, value) => turn.send(value, { page: 'a' }),
    'timers.set: name': (turn, value) => turn.timers.set(value, { after: 1 }),
    'timers.set: due': (turn, value) => turn.timers.set('remind', value),
    'timers.set: after': (turn, value) => turn.timers.set('remind', { after: value }),
    'timers.set: at': (turn, value) => turn.timers.set('remind', { at: value }),
    'timers.cancel: name': (turn, value) => turn.timers.cancel(value),
    'deliver: endpoint': (turn, value) => turn.deliver(value, {}),
    'deliver: options': (turn, value) => turn.deliver('shop', {}, value),
    'deliver: id': (turn, value) => turn.deliver('shop', {}, { id: value }),
    'deliver: url': (turn, value) => turn.deliver('shop', {}, { url: value }),
    'ignore: reason': (turn, value) => turn.ignore(value),
  };
  const refusals = new Map<string, number>();
  const careless = pipeline('careless', {
    event: Event,
    tables: { pages },
    timers: { remind: () => undefined },
    deliver: { shop: { to: transport } },
    key: ({ page }) => page,
    handle(_event, _state, turn) {
      for (const [what, say] of Object.entries(says)) {
        for (const [shown, value] of Object.entries(strange)) {
          try {
            say(turn as unknown as Turn, value as never);
          } catch (error) {
            assert.ok(error instanceof MillraceError, `${what}: ${shown}: expected a MillraceError, found ${String(error)}`);
            assert.equal(error.code, 'MILL_INVALID_EFFECT', `${what}: ${shown}: ${error.message}`);
            refusals.set(what, (refusals.get(what) ?? 0) + 1);
          }
        }
      }
      throw new Error('as planned');
    },
    retry: { attempts: 1 },
    onGiveUp: 'skip',
  });
  const t = await testMill({ pipelines: [careless] });
  await t.ingest('careless', { page: 'a' });
  await t.drain();
  assert.deepEqual(
    (await t.deadLetters()).map(({ reason }) => reason),
    ['as planned'],
  );
  for (const what of Object.keys(says)) assert.ok((refusals.get(what) ?? 0) > 10, `${what}: ${refusals.get(what)} refusals`);
  await t.stop();
});
