import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { http, memory, millrace, nats, pipeline, sqlite, table, tableSource } from '../../src/index.ts';
import { configure, ingestRoute, integerBetween, pageOf, system } from '../../src/server/index.ts';
import { testMill, VirtualClock } from '../../src/testing/index.ts';
import { refuses, refusesOrTakes, strange } from './strange.ts';

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
      genericIngest: false,
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
      limits: {
        backlog: 1,
        deliveries: 1,
        pendingPerKey: 1,
        batch: 1,
        eventBytes: 1,
        keyLength: 1,
        validationMs: 1,
        warmKeys: 1,
        feed: 1,
        commit: 1,
      },
      clock: new VirtualClock(0),
      random: Math.random,
      log: pino({ level: 'silent' }),
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
  'nats, for deliveries': {
    options: {
      servers: ['nats://localhost:4222'],
      user: 'mill',
      password: secret,
      tls: { caFile: 'ca.pem', certFile: 'mill.pem', keyFile: 'mill.key' },
      domain: 'hub',
      subject: 'orders.paid',
      stream: 'ORDERS',
      headers: { authorization: 'Bearer x' },
      cloudEvents: { source: '/shop', type: 'order.paid', mode: 'structured' },
    },
    declare: (options) => nats(options),
  },
  'nats, for events': {
    options: {
      servers: 'nats://localhost:4222',
      credsFile: 'mill.creds',
      tls: true,
      domain: 'hub',
      stream: 'ORDERS',
      filter: ['orders.*'],
      value: 'json-array',
      decode: () => [],
      key: 'subject',
      headers: 'headers',
      tombstones: 'skip',
      acceptedTopicId: '2026-01-01T00:00:00Z',
      mayLoseRecords: true,
    },
    declare: (options) => nats(options),
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
  'configure, for a system without settings': {
    options: { name: 'mail', title: 'Mail', description: 'Sends mail.', port: 1, pipelines: [visits], routes: () => undefined },
    declare: (options) => configure(options, {}),
  },
  'configure, for what build returns': {
    options: { pipelines: [visits], routes: () => undefined },
    declare: (options) => configure({ name: 'mail', title: 'Mail', description: 'Sends mail.', settings: {}, build: () => options }, {}),
  },
  pageOf: { options: { limit: 1, cursor: () => [], item: () => ({}) }, declare: (options) => pageOf([], options) },
  ingestRoute: {
    options: { inexactNumbers: 'by event', idempotencyKey: 'by route' },
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
    test('accepts all of its options', async () => {
      await declare(options as never);
    });

    test('refuses an unknown option, wherever options are given', async () => {
      for (const path of pathsOf(options).filter((path) => isObjectOfOptions(valueAt(options, path)))) {
        await refuses(() => declare(changed(options, [...path, 'nonsense'], 1) as never), 'nonsense', `${path.join('.')} with nonsense`);
      }
    });

    test('accepts any value of an option, or refuses it by name', async () => {
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

/** Returns the paths of all options, including nested ones, with `[]` for the whole. */
function pathsOf(options: object): readonly (readonly string[])[] {
  const inner = Object.entries(options).flatMap(([name, value]) =>
    isOfOptions(value) ? pathsOf(value).map((path) => [name, ...path]) : [[name]],
  );
  return [[], ...inner];
}

/** Returns whether a value can contain options: instances of a user's or a library's class cannot. */
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

/** Returns a copy of the options with another value at a path. */
function changed(options: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy = (Array.isArray(options) ? [...options] : { ...(options as object) }) as Record<string, unknown>;
  copy[name] = changed(copy[name], rest, value);
  return copy;
}
