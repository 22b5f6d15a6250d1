import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { headers as newHeaders } from '@nats-io/transport-node';
import * as z from 'zod';
import { NatsServer, type NatsVisit, withoutNats } from '../../../test/nats-server.ts';
import { temporaryFolder } from '../../../test/program.ts';
import { until } from '../../../test/until.ts';
import { type Mill, millrace } from '../../engine/mill.ts';
import type { InletRecord } from '../../pipeline/inlet.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import type { NatsInletOptions } from './inlet-options.ts';
import { nats } from './nats.ts';

const Step = z.object({ key: z.string(), n: z.int() });
const keys = ['a', 'b', 'c', 'd', 'e'];
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe('events from NATS', { skip: withoutNats }, () => {
  test('each takes effect once, in order per key, over restarts of the server and of the engine', async (context) => {
    const { server, publish } = await stream(context);
    const path = join(temporaryFolder(context), 'steps.db');
    const options = { servers: server.url, stream: 'STEPS' };
    await publish(1, 40);
    const first = await started(context, options, sqlite(path));
    await applied(first, 40);
    await server.kill();
    await until(() => first.health().status === 'ok' && (first.health().warnings?.length ?? 0) > 0);
    await server.start();
    await publish(41, 80);
    await applied(first, 80);
    await first.stop();
    await publish(81, 120);
    const second = await started(context, options, sqlite(path));
    await applied(second, 120);
    await until(() => second.counts().steps?.sourceLag === 0);
    assert.equal(second.counts().steps?.received, 40 * keys.length, 'nothing is taken in again');
  });

  test('a process that is killed again and again takes each event once', async (context) => {
    const { server, publish } = await stream(context);
    const path = join(temporaryFolder(context), 'steps.db');
    await publish(1, 400);
    for (const share of [1, 2, 3]) await killedAfter(programOn(server, path), share * 100);
    await publish(401, 500);
    await applied(await started(context, { servers: server.url, stream: 'STEPS' }, sqlite(path)), 500);
  });

  test('a message that is no event becomes a dead letter with its place and bytes, and reading continues', async (context) => {
    const { server, client, publish } = await stream(context);
    for (const body of ['no JSON', Uint8Array.of(0xff, 0), '', '{"key":"a"}']) await client.publish('steps.poison', body);
    await client.publish('steps.a', JSON.stringify({ key: 'a', n: 1, more: 'x'.repeat(900_000) }), { timeout: 20_000 });
    await publish(2, 2, ['a']);
    const mill = await started(context, { servers: server.url, stream: 'STEPS' }, memory(), { eventBytes: 100_000 });
    await until(async () => (await stepsOf(mill, 'a')).length > 0);
    assert.deepEqual(await stepsOf(mill, 'a'), [2]);
    const origins = (await mill.deadLetters()).flatMap((letter) => (letter.kind === 'rejected' ? [JSON.parse(letter.record)] : []));
    assert.deepEqual(
      origins.map(({ source, offset }) => [source, offset]),
      upTo(5).map((offset) => ['nats:STEPS', offset]),
    );
    assert.deepEqual([origins[0].key, origins[0].value], [{ text: 'steps.poison' }, { text: 'no JSON' }]);
    assert.deepEqual(origins[1].value, { base64: '/wA=' });
  });

  test('deleted messages are skipped, and so are those of other subjects', async (context) => {
    const { server, visit, publish } = await stream(context);
    await publish(1, 6, ['a', 'b']);
    await visit.manager.streams.deleteMessage('STEPS', 5);
    await visit.manager.streams.deleteMessage('STEPS', 11);
    const mill = await started(context, { servers: server.url, stream: 'STEPS', filter: 'steps.a' });
    await until(async () => (await stepsOf(mill, 'a')).length === 4);
    assert.deepEqual(await stepsOf(mill, 'a'), [1, 2, 4, 5]);
    assert.deepEqual(await stepsOf(mill, 'b'), []);
    await until(() => mill.counts().steps?.sourceLag === 0);
  });

  test('a stream that has lost unread messages is not read any further, unless that is allowed', async (context) => {
    const { server, visit, publish } = await stream(context);
    const options = { servers: server.url, stream: 'STEPS' };
    const store = memory();
    await publish(1, 2, ['a']);
    await stopped(await started(context, options, store), 2);
    await publish(3, 6, ['a']);
    await visit.manager.streams.purge('STEPS', { seq: 5 });
    const second = await started(context, options, store);
    await until(() => warningsOf(second).some((warning) => /expected the record of offset 3, found none before 5/.test(warning)));
    await second.stop();
    const third = await started(context, { ...options, mayLoseRecords: true }, store);
    await until(async () => (await stepsOf(third, 'a')).length === 4);
    assert.deepEqual(await stepsOf(third, 'a'), [1, 2, 5, 6]);
  });

  test('a stream that was created anew is not read until somebody decides so', async (context) => {
    const { server, visit, publish, create } = await stream(context);
    const options = { servers: server.url, stream: 'STEPS' };
    const store = memory();
    await publish(1, 2, ['a']);
    await stopped(await started(context, options, store), 2);
    await visit.manager.streams.delete('STEPS');
    await create();
    await publish(3, 6, ['a']);
    const second = await started(context, options, store);
    await until(() => warningsOf(second).some((warning) => /found one that was created anew/.test(warning)));
    await second.stop();
    const { created } = await visit.manager.streams.info('STEPS');
    const third = await started(context, { ...options, acceptedTopicId: created }, store);
    await until(async () => (await stepsOf(third, 'a')).length === 6);
  });

  test('a stream that removes messages once they are read is refused', async (context) => {
    const server = await NatsServer.make(context);
    const { manager } = await server.visit(context);
    await manager.streams.add({ name: 'STEPS', subjects: ['steps.*'], retention: 'workqueue' });
    const mill = await started(context, { servers: server.url, stream: 'STEPS' });
    await until(() => warningsOf(mill).some((warning) => /expected retention by limits, found workqueue/.test(warning)));
  });

  test('several streams, and several pipelines of one stream, are read in one process, each from its own place', async (context) => {
    const { server, visit, publish } = await stream(context);
    for (const name of ['ONE', 'TWO', 'THREE']) await visit.manager.streams.add({ name, subjects: [`${name}.*`] });
    const client = jetstream(visit.connection);
    const publishTo = async (name: string, from: number, to: number) => {
      for (const n of upTo(to).slice(from - 1)) await client.publish(`${name}.a`, JSON.stringify({ key: name, n }));
    };
    const path = join(temporaryFolder(context), 'streams.db');
    const from = (name: string, options: Partial<NatsInletOptions>) =>
      stepsFrom({ servers: server.url, stream: 'STEPS', ...options }, name);
    const declared = [
      ...['ONE', 'TWO', 'THREE'].map((stream) => from(stream.toLowerCase(), { stream })),
      from('all', {}),
      from('only_a', { filter: 'steps.a' }),
    ];
    const start = async () => {
      const mill = millrace({ store: sqlite(path), pipelines: declared }) as Mill;
      await mill.start();
      context.after(() => mill.stop());
      return mill;
    };
    const read = async (mill: Mill, name: string, key: string, last: number) => {
      const ns = async () => ((await mill.state(name, key)) as { ns: number[] } | undefined)?.ns ?? [];
      await until(async () => (await ns()).length >= last);
      assert.deepEqual(await ns(), upTo(last), `${name}, ${key}`);
    };
    await Promise.all([publish(1, 5, ['a', 'b']), ...['ONE', 'TWO', 'THREE'].map((name, at) => publishTo(name, 1, 10 * (at + 1)))]);
    const first = await start();
    for (const [at, name] of ['ONE', 'TWO', 'THREE'].entries()) await read(first, name.toLowerCase(), name, 10 * (at + 1));
    for (const key of ['a', 'b']) await read(first, 'all', key, 5);
    await read(first, 'only_a', 'a', 5);
    await first.stop();
    await Promise.all([publish(6, 8, ['a', 'b']), publishTo('TWO', 21, 25)]);
    const second = await start();
    await read(second, 'two', 'TWO', 25);
    for (const key of ['a', 'b']) await read(second, 'all', key, 8);
    await read(second, 'only_a', 'a', 8);
    assert.equal(await second.state('only_a', 'b'), undefined);
    await until(() => Object.values(second.counts()).every(({ sourceLag }) => sourceLag === 0));
    assert.deepEqual([second.counts().one?.received, second.counts().two?.received, second.counts().all?.received], [0, 5, 6]);
    assert.deepEqual(warningsOf(second), []);
  });

  test('while the door has no room nothing more is read, and nothing is lost', async (context) => {
    const { server, publish } = await stream(context);
    await publish(1, 20);
    const mill = await started(context, { servers: server.url, stream: 'STEPS' }, memory(), { backlog: 10 });
    await applied(mill, 20);
  });

  test('arrays, CloudEvents and custom bytes become events, with their subject and traceparent', async (context) => {
    const { server, client } = await stream(context);
    const events = async (options: Partial<NatsInletOptions>, subject: string, body: string, headers: Record<string, string> = {}) => {
      const made = newHeaders();
      for (const [name, value] of Object.entries(headers)) made.set(name, value);
      const { seq } = await client.publish(subject, body, { headers: made });
      const inlet = nats({ servers: server.url, stream: 'STEPS', ...options });
      await inlet.open?.({ info: () => undefined, warn: () => undefined });
      const signal = AbortSignal.timeout(20_000);
      const [read] = await inlet.read({ positions: [{ partition: 0, offset: seq }], waitMs: 1_000, bytesMax: 10_000 }, signal);
      await inlet.close?.();
      return inlet.decode(read?.records[0] as InletRecord);
    };
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    assert.deepEqual(await events({ value: 'json-array' }, 'steps.a', '[1,2]', { traceparent }), [
      { event: 1, traceparent },
      { event: 2, traceparent },
    ]);
    assert.deepEqual(await events({ key: 'about' }, 'steps.x', '{"n":1}'), [{ event: { n: 1, about: 'steps.x' } }]);
    const attributes = { specversion: '1.0', id: '1', source: '/shop', type: 'paid' };
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/shop', 'ce-type': 'paid', 'ce-subject': '%C3%A4%201' };
    const [binary] = await events({ value: 'cloudevents' }, 'steps.a', '{"n":1}', { ...headers, 'content-type': 'application/json' });
    assert.deepEqual(binary?.event, { ...attributes, subject: 'ä 1', datacontenttype: 'application/json', data: { n: 1 } });
    const structured = { 'content-type': 'application/cloudevents+json' };
    const [whole] = await events({ value: 'cloudevents' }, 'steps.a', JSON.stringify({ ...attributes, data: 1 }), structured);
    assert.deepEqual(whole?.event, { ...attributes, data: 1 });
    const decode = ({ value, offset }: InletRecord) => [{ event: { bytes: value?.length }, id: String(offset) }];
    assert.deepEqual(await events({ decode }, 'steps.a', 'abc'), [{ event: { bytes: 3 }, id: '5' }]);
  });
});

interface StepStream {
  readonly server: NatsServer;
  readonly visit: NatsVisit;
  readonly client: JetStreamClient;
  create(): Promise<unknown>;
  /** Publishes a step of each number to each key. */
  publish(from: number, to: number, among?: readonly string[]): Promise<void>;
}

async function stream(context: TestContext): Promise<StepStream> {
  const server = await NatsServer.make(context);
  const visit = await server.visit(context);
  const client = jetstream(visit.connection);
  const create = () => visit.manager.streams.add({ name: 'STEPS', subjects: ['steps.*'] });
  await create();
  const publish: StepStream['publish'] = async (from, to, among = keys) => {
    // The server may have been restarted.
    const publisher = jetstream((await server.visit(context)).connection);
    for (let n = from; n <= to; n += 1) for (const key of among) await publisher.publish(`steps.${key}`, JSON.stringify({ key, n }));
  };
  return { server, visit, client, create, publish };
}

function stepsFrom(options: NatsInletOptions, name = 'steps') {
  return pipeline(name, {
    event: Step,
    key: ({ key }) => key,
    state: z.object({ ns: z.array(z.int()) }),
    from: nats(options),
    handle: ({ n }, state) => ({ ns: [...(state?.ns ?? []), n] }),
  });
}

async function started(context: TestContext, options: NatsInletOptions, store: Store = memory(), limits = {}): Promise<Mill> {
  const mill = millrace({ store, pipelines: [stepsFrom(options)], limits }) as Mill;
  await mill.start();
  context.after(() => mill.stop());
  return mill;
}

async function stepsOf(mill: Mill, key: string): Promise<readonly number[]> {
  return ((await mill.state('steps', key)) as { ns: number[] } | undefined)?.ns ?? [];
}

/** Resolves when each key has applied all numbers up to one, once and in order. */
async function applied(mill: Mill, last: number): Promise<void> {
  for (const key of keys) {
    await until(async () => (await stepsOf(mill, key)).length >= last);
    assert.deepEqual(await stepsOf(mill, key), upTo(last));
  }
}

async function stopped(mill: Mill, steps: number): Promise<void> {
  await until(async () => (await stepsOf(mill, 'a')).length === steps);
  await mill.stop();
}

function warningsOf(mill: Mill): readonly string[] {
  const health = mill.health();
  return health.status === 'ok' ? (health.warnings ?? []) : [];
}

/** A program that reads the stream, and prints how many events it has handled. */
function programOn(server: NatsServer, path: string) {
  const module = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const program = `
    import * as z from 'zod';
    import { millrace, nats, pipeline, sqlite } from ${module('../../index.ts')};
    let handled = 0;
    const steps = pipeline('steps', {
      event: z.object({ key: z.string(), n: z.int() }),
      key: ({ key }) => key,
      state: z.object({ ns: z.array(z.int()) }),
      from: nats({ servers: ${JSON.stringify(server.url)}, stream: 'STEPS' }),
      handle({ n }, state) {
        console.log(++handled);
        return { ns: [...(state?.ns ?? []), n] };
      },
    });
    await millrace({ store: sqlite(${JSON.stringify(path)}), pipelines: [steps] }).start();`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: join(import.meta.dirname, '../../..') });
}

/** Kills a program once it has handled so many events. */
async function killedAfter(program: ReturnType<typeof programOn>, events: number): Promise<void> {
  const gone = once(program, 'exit');
  let printed = '';
  program.stderr.on('data', (text) => process.stderr.write(text));
  program.stdout.on('data', (text) => {
    printed += text;
    if (printed.split('\n').length > events) program.kill('SIGKILL');
  });
  const [, signal] = await gone;
  assert.equal(signal, 'SIGKILL');
}
