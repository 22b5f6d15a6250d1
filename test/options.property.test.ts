import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import * as z from 'zod';
import {
  answerBatch,
  configure,
  decodeCursor,
  durationUpTo,
  exactly,
  exactValue,
  http,
  ingestRoute,
  integerBetween,
  jsonSchemaOf,
  MillraceError,
  memory,
  millrace,
  pageOf,
  parseRequest,
  pipeline,
  retryAfterMs,
  sqlite,
  system,
  type Turn,
  table,
  tableSource,
  traceOf,
} from '../src/index.ts';
import { storeContract, type TestMill, testMill, VirtualClock } from '../src/testing/index.ts';

/*
 * A program without a compiler may give anything to anything. Whatever it gives, it works or is refused by a MillraceError that
 * names the option; nothing ends in a bare TypeError.
 */

/** What stands in for an option, by the words of the test that reports it. */
const strange: Readonly<Record<string, unknown>> = {
  null: null,
  zero: 0,
  one: 1,
  'a negative number': -1,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  'an empty text': '',
  'a text': 'x',
  'an object': {},
  'an object without a prototype': Object.create(null),
  'an array': [],
  'an array of nothing': [undefined],
  'a function': () => undefined,
  'an async function': async () => undefined,
  'a generator function': function* () {},
  'a class': class {},
  'a symbol': Symbol('x'),
  'a bigint': 1n,
  true: true,
  'a promise': Promise.resolve(1),
  'a map': new Map(),
  'a date': new Date(0),
  'an error': new Error('x'),
};

const pages = table('pages', { page: 'text', visits: 'integer' }, { primaryKey: ['page'] });
const visit = z.object({ page: z.string() });
const visits = pipeline('visits', { event: visit, key: ({ page }) => page, handle: () => undefined });
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const transport = { call: async () => ({ result: 'delivered' }) as const };

/** Each public function that takes options, with all of its options. */
const declarations: Readonly<Record<string, { readonly options: object; declare(options: never): unknown }>> = {
  pipeline: {
    options: {
      event: visit,
      inexactNumbers: 'text',
      key: ({ page }: { page: string }) => page,
      deduplicationWindow: '1h',
      order: { by: () => 1, from: 1, gap: { skipAfter: '5m' }, maxPending: 10 },
      state: { schema: z.object({ n: z.number() }), version: 2, upgrade: (stored: unknown) => stored },
      tables: { pages },
      handle: () => undefined,
      timers: { remind: () => undefined },
      deliver: {
        shop: {
          to: transport,
          concurrency: 1,
          rateLimit: { calls: 1, per: '1s' },
          timeout: '1s',
          retry: { attempts: 1, backoff: 1, maxBackoff: 1, jitter: 0, by: 'outbox' },
          order: 'key',
          outcome: () => undefined,
        },
      },
      schedule: { source: () => [], cron: '0 3 * * *', timezone: 'Europe/Berlin', batch: 1, concurrency: 1, timeout: '1s' },
      retry: { attempts: 1, backoff: 1, maxBackoff: 1, jitter: 0 },
      onGiveUp: 'skip',
      concurrency: 1,
      timeout: '1s',
      retain: '1d',
      run: 'threads',
      module: import.meta.url,
    },
    declare: (options) => pipeline('visits', options),
  },
  table: {
    options: { primaryKey: ['page'], indexes: [['visits']], defaults: { visits: 1 } },
    declare: (options) => table('pages', { page: 'text', visits: 'integer' }, options),
  },
  millrace: {
    options: {
      store: memory(),
      pipelines: [visits],
      limits: { backlog: 1, deliveries: 1, pendingPerKey: 1, batch: 1, eventBytes: 1, keyLength: 1, warmKeys: 1, feed: 1, commit: 1 },
      clock: new VirtualClock(0),
      random: Math.random,
      tracing: { start: () => undefined },
    },
    declare: (options) => millrace(options),
  },
  http: {
    options: {
      url: 'https://shop.example',
      method: 'PUT',
      headers: { authorization: 'Bearer x' },
      body: () => '',
      secret: [secret],
      judge: () => ({ result: 'delivered' }),
      redirects: 1,
      allow: ['10.1.0.0/16'],
      circuit: { failures: 1, resetAfter: '1s', resetAfterMax: '1s' },
      lookup: () => undefined,
    },
    declare: (options) => http(options),
  },
  tableSource: {
    options: { rows: () => undefined, event: () => undefined },
    declare: (options) => tableSource(pages, options),
  },
  sqlite: { options: { busyTimeoutMs: 1 }, declare: (options) => sqlite('visits.db', options) },
  memory: { options: { partitions: 2 }, declare: (options) => memory(options) },
  system: {
    options: {
      name: 'mail',
      title: 'Mail',
      description: 'Sends mail.',
      port: 1,
      settings: { workers: { variable: 'W', meaning: 'workers', values: integerBetween(1, 9), otherwise: '1', unset: '1', secret: true } },
      build: () => ({ pipelines: [] }),
    },
    declare: (options) => system(options),
  },
  'configure, of a system without settings': {
    options: { name: 'mail', title: 'Mail', description: 'Sends mail.', port: 1, pipelines: [visits], routes: () => undefined },
    declare: (options) => configure(options, {}),
  },
  'configure, of what build returns': {
    options: { pipelines: [visits], routes: () => undefined },
    declare: (options) => configure({ name: 'mail', title: 'Mail', description: 'Sends mail.', settings: {}, build: () => options }, {}),
  },
  pageOf: { options: { limit: 1, cursor: () => [], item: () => ({}) }, declare: (options) => pageOf([], options) },
  ingestRoute: {
    options: { inexactNumbers: 'by event' },
    declare: (options) => ingestRoute(app as never, '/visits', {}, async () => ({}), options),
  },
  testMill: {
    options: {
      pipelines: [visits],
      store: memory(),
      limits: { backlog: 1 },
      tracing: undefined,
      startAt: 0,
      seed: 1,
      answer: () => ({ result: 'delivered' }),
      duplicateEverything: true,
      crashBeforeCommit: true,
    },
    declare: async (options) => (await testMill(options)).stop(),
  },
};

const app = { post: () => undefined, hasDecorator: () => false, prefix: '' };

for (const [name, { options, declare }] of Object.entries(declarations)) {
  describe(name, () => {
    test('takes all of its options', async () => {
      await declare(options as never);
    });

    test('refuses an option that it does not know, wherever options stand', async () => {
      for (const path of pathsOf(options).filter((path) => isObjectOfOptions(valueAt(options, path)))) {
        await refuses(() => declare(changed(options, [...path, 'nonsense'], 1) as never), 'nonsense', `${path.join('.')} with nonsense`);
      }
    });

    test('takes or refuses by name whatever stands in for an option', async () => {
      let refusals = 0;
      for (const path of pathsOf(options)) {
        for (const [what, value] of Object.entries(strange)) {
          const last = path.findLast((part) => Number.isNaN(Number(part))) ?? '';
          refusals += await refusesOrTakes(() => declare(changed(options, path, value) as never), last, `${path.join('.')}: ${what}`);
        }
      }
      assert.ok(refusals > Object.keys(strange).length / 2, `${refusals} refusals`);
    });
  });
}

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
    'what a route does': (value) => ingestRoute(app as never, '/', {}, value),
    'the app of a route': (value) => ingestRoute(value, '/', {}, async () => ({})),
    'a system': (value) => configure(value, {}),
    'the start of a clock': (value) => new VirtualClock(value),
    'the schema of a request': (value) => parseRequest(value, {}),
    'the schema of the docs': (value) => jsonSchemaOf(value),
    'the side of a schema': (value) => jsonSchemaOf(visit, value),
    'the schema of a cursor': (value) => decodeCursor(value, ''),
    'a cursor': (value) => decodeCursor(z.tuple([z.string()]), value),
    'the schema of an exact value': (value) => exactly(value),
    'the row of an exact value': (value) => exactValue(value, 'x' as never),
    'the request of a trace': (value) => traceOf(value),
    'the verdicts on a batch': (value) => answerBatch(value, ''),
    'the headers of an answer': (value) => retryAfterMs(value),
    'the harness of a store': (value) => storeContract('mine', value),
    'the partitions of a store': (value) => millrace({ store: Object.assign(memory(), { partitions: value }), pipelines: [] }),
  };
  for (const [what, call] of Object.entries(calls)) {
    test(`${what} is taken, or refused by a MillraceError`, async () => {
      let refusals = 0;
      for (const [shown, value] of Object.entries(strange)) refusals += await refusesOrTakes(() => call(value as never), '', shown);
      assert.ok(refusals >= 10, `${refusals} refusals`);
    });
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
    test(`${what} is taken, or refused by a MillraceError`, async () => {
      let refusals = 0;
      for (const [shown, value] of Object.entries(strange)) refusals += await refusesOrTakes(() => call(value as never), '', shown);
      assert.ok(refusals >= 10, `${refusals} refusals`);
    });
  }
});

test('what a handler says is taken, or fails its turn by a MillraceError', async () => {
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

/** Asserts that a call throws a MillraceError that has the word in its message. */
async function refuses(call: () => unknown, word: string, what: string): Promise<void> {
  assert.equal(await refusesOrTakes(call, word, what), 1, `${what}: expected it to be refused`);
}

/** Returns 1 for a call that is refused by a MillraceError which has the word in its message, 0 for one that is not refused. */
async function refusesOrTakes(call: () => unknown, word: string, what: string): Promise<number> {
  try {
    await call();
    return 0;
  } catch (error) {
    assert.ok(error instanceof MillraceError, `${what}: expected a MillraceError, found ${String(error)}`);
    assert.notEqual(error.code, 'MILL_INTERNAL', `${what}: ${error.message}`);
    assert.ok(error.message.includes(word), `${what}: expected ${word} in ${JSON.stringify(error.message)}`);
    return 1;
  }
}

/** The paths of all options, those within options among them, with `[]` for the whole. */
function pathsOf(options: object): readonly (readonly string[])[] {
  const inner = Object.entries(options).flatMap(([name, value]) =>
    isOfOptions(value) ? pathsOf(value).map((path) => [name, ...path]) : [[name]],
  );
  return [[], ...inner];
}

/** Whether a value has options in it: not what a user's or a library's class made. */
function isOfOptions(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype && !isMade(value);
}

function isObjectOfOptions(value: unknown): boolean {
  return isOfOptions(value) && !Array.isArray(value) && Object.keys(value).some((name) => !ownNames.has(name));
}

/** Names that the user chooses. */
const ownNames = new Set(['pages', 'remind', 'shop', 'workers', 'visits', 'authorization']);

function isMade(value: object): boolean {
  return value === pages || value === visits || value === transport || '~standard' in value || 'start' in value;
}

function valueAt(options: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], options);
}

/** A copy of the options with another value at a path. */
function changed(options: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy = (Array.isArray(options) ? [...options] : { ...(options as object) }) as Record<string, unknown>;
  copy[name] = changed(copy[name], rest, value);
  return copy;
}
