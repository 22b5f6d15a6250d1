import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { failing, onEveryStore } from './fixture.test.ts';
import { delivered, idsOf } from './shop.fixture.test.ts';

const Hook = z.object({ key: z.string(), to: z.string(), n: z.int() });

interface HooksOptions {
  readonly concurrency?: number;
  readonly attempts?: number;
  readonly timeout?: number;
  readonly order?: 'none' | 'key';
  readonly rateLimit?: { calls: number; per: number };
  /** The name of the address, by default the URL. Null: no name. */
  readonly address?: ((call: { readonly url: string | undefined }) => string | undefined) | null;
}

/** Delivers each event to the address that it names, under the id `<key> <n>`. */
function hooks({ address = ({ url }) => url, ...options }: HooksOptions = {}) {
  const { concurrency = 10, attempts = 3, timeout = 2_000, order = 'none', rateLimit } = options;
  return pipeline('hooks', {
    event: Hook,
    key: ({ key }) => key,
    deliver: {
      hook: {
        to: { call: failing, ...(address !== null && { address }) },
        concurrency,
        timeout,
        order,
        retry: { attempts, backoff: 1_000, jitter: 0 },
        ...(rateLimit && { rateLimit }),
      },
    },
    handle({ key, to, n }, _state, turn) {
      turn.deliver('hook', { n }, { id: `${key} ${n}`, url: to });
    },
  });
}

const many = (count: number, event: (n: number) => z.infer<typeof Hook>) => Array.from({ length: count }, (_, n) => event(n));
const never = () => new Promise<never>(() => {});
/** Addresses that begin with `dead` never answer. */
const deadNever = ({ url }: OutgoingCall): Answer | Promise<never> => (url?.startsWith('dead') ? never() : delivered);
const toDead = (calls: readonly OutgoingCall[]) => calls.filter(({ url }) => url?.startsWith('dead')).length;

onEveryStore('promise 4: no receiver costs another its deliveries', ({ testMill }) => {
  test('an unresponsive receiver leaves places for others, however much it is sent', async () => {
    const t = await testMill({ pipelines: [hooks()], answer: deadNever });
    await t.ingestBatch(
      'hooks',
      many(200, (n) => ({ key: 'bad', to: 'dead', n })),
    );
    await until(() => toDead(t.calls) >= 1);
    await t.ingest('hooks', { key: 'good', to: 'alive', n: 1 });
    await until(() => idsOf(t.calls).includes('good 1'));
    assert.equal(toDead(t.calls), 1);
    await t.stop();
  });

  test('a key that invents addresses leaves places for other keys', async () => {
    const t = await testMill({ pipelines: [hooks()], answer: deadNever });
    await t.ingestBatch(
      'hooks',
      many(200, (n) => ({ key: 'bad', to: `dead ${n}`, n })),
    );
    await until(() => toDead(t.calls) >= 5);
    await t.ingest('hooks', { key: 'good', to: 'alive', n: 1 });
    await until(() => idsOf(t.calls).includes('good 1'));
    assert.equal(toDead(t.calls), 5);
    await t.stop();
  });

  test('invented keys and addresses leave places for addresses that have answered', async () => {
    const t = await testMill({ pipelines: [hooks()], answer: deadNever });
    await t.ingest('hooks', { key: 'good', to: 'alive', n: 1 });
    await until(() => idsOf(t.calls).includes('good 1'));
    await t.ingestBatch(
      'hooks',
      many(200, (n) => ({ key: `bad ${n}`, to: `dead ${n}`, n })),
    );
    await until(() => toDead(t.calls) >= 8);
    await t.ingest('hooks', { key: 'good', to: 'alive', n: 2 });
    await until(() => idsOf(t.calls).includes('good 2'));
    assert.equal(toDead(t.calls), 8);
    await t.stop();
  });

  test('all known unresponsive addresses together take a quarter of the places', async () => {
    const t = await testMill({ pipelines: [hooks({ attempts: 8 })], answer: deadNever });
    await t.ingestBatch(
      'hooks',
      many(40, (n) => ({ key: `bad ${n}`, to: `dead ${n % 8}`, n })),
    );
    await until(() => toDead(t.calls) === 8);
    await t.advance(2_000);
    const before = toDead(t.calls);
    await t.advance(1_000);
    assert.ok(toDead(t.calls) - before <= 3, `${toDead(t.calls) - before} calls`);
    await t.ingest('hooks', { key: 'good', to: 'new', n: 1 });
    await until(() => idsOf(t.calls).includes('good 1'));
    await t.stop();
  });

  test('deliveries waiting in the store for one receiver hide none for another, even after a restart', async () => {
    let isUp = false;
    const t = await testMill({ pipelines: [hooks()], answer: (call) => (isUp ? deadNever(call) : never()) });
    await t.ingestBatch(
      'hooks',
      many(900, (n) => ({ key: `bad ${n % 7}`, to: `dead ${n % 3}`, n })),
    );
    await t.ingestBatch(
      'hooks',
      many(60, (n) => ({ key: `good ${n}`, to: `alive ${n}`, n: 1 })),
    );
    isUp = true;
    await t.crash();
    await until(() => new Set(idsOf(t.calls).filter((id) => id.startsWith('good'))).size === 60);
    await t.stop();
  });

  test('a key’s deliveries to one receiver hide none of other keys', async () => {
    const t = await testMill({ pipelines: [hooks({ concurrency: 1, address: null })], answer: () => delivered });
    await t.ingestBatch('hooks', [
      ...many(600, (n) => ({ key: 'bad', to: 'shop', n })),
      ...many(5, (n) => ({ key: `good ${n}`, to: 'shop', n })),
    ]);
    await until(() => idsOf(t.calls).filter((id) => id.startsWith('good')).length === 5);
    assert.ok(t.calls.length < 300, `${t.calls.length} calls`);
    await t.drain();
    assert.equal(new Set(idsOf(t.calls)).size, 605);
    assert.equal(t.calls.length, 605);
    await t.stop();
  });

  test('an unresponsive address rests, which costs no attempt, and is called again', async () => {
    let isUp = false;
    const t = await testMill({ pipelines: [hooks({ attempts: 20 })], answer: () => (isUp ? delivered : never()) });
    await t.ingestBatch(
      'hooks',
      many(30, (n) => ({ key: `${n}`, to: 'dead', n })),
    );
    await t.advance(10_000);
    const [before, span] = [t.calls.length, 60_000];
    await t.advance(span);
    assert.ok(t.calls.length - before <= 6, `${t.calls.length - before} calls in ${span} ms`);
    isUp = true;
    await t.advance(35_000);
    const last = new Map(t.calls.map(({ id, attempt }) => [id, attempt]));
    assert.equal(last.size, 30);
    assert.ok([...last.values()].every((attempt) => attempt < 20));
    assert.deepEqual(await t.deadLetters(), []);
    assert.equal(t.mill.counts().hooks?.deliveries, 0);
    await t.stop();
  });

  test('deliveries that an address has not answered within the time of all attempts are given up, even if never called', async () => {
    const t = await testMill({ pipelines: [hooks({ attempts: 3, timeout: 2_000 })], answer: deadNever });
    await t.ingestBatch(
      'hooks',
      many(300, (n) => ({ key: `${n}`, to: 'dead', n })),
    );
    await t.advance(60_000);
    const letters = await t.deadLetters();
    assert.equal(letters.length, 300);
    assert.ok(t.calls.length < 30, `${t.calls.length} calls`);
    const reasons = new Set(letters.map(({ reason }) => reason.replace(/\d+ s/, '… s')));
    assert.ok(
      reasons.has('delivery to hook: not called again: dead has given no answer for … s (timed out after 2000 ms)'),
      [...reasons].join('\n'),
    );
    assert.equal(t.mill.counts().hooks?.deliveries, 0);
    await t.stop();
  });

  test('with order per key, a key with a dead receiver holds up only its own deliveries', async () => {
    const t = await testMill({ pipelines: [hooks({ order: 'key', attempts: 20 })], answer: deadNever });
    await t.ingestBatch('hooks', [
      ...many(100, (n) => ({ key: `bad ${n}`, to: 'dead', n: 1 })),
      ...many(100, (n) => ({ key: `bad ${n}`, to: 'alive', n: 2 })),
      ...many(40, (n) => ({ key: `good ${n % 10}`, to: n % 2 ? 'alive' : 'well', n })),
    ]);
    await until(() => idsOf(t.calls).filter((id) => id.startsWith('good')).length === 40);
    assert.ok(!idsOf(t.calls).some((id) => /^bad \d+ 2$/.test(id)));
    await t.stop();
  });

  test('each key gets its turn among the calls that the rate limit allows', async () => {
    const t = await testMill({ pipelines: [hooks({ rateLimit: { calls: 2, per: 1_000 }, address: null })], answer: () => delivered });
    await t.ingestBatch(
      'hooks',
      many(50, (n) => ({ key: 'bad', to: 'busy', n })),
    );
    await t.ingest('hooks', { key: 'good', to: 'quiet', n: 1 });
    await t.advance(2_000);
    assert.ok(idsOf(t.calls).includes('good 1'));
    await t.stop();
  });

  test('a transport that cannot name an address still delivers', async () => {
    const names: readonly (() => unknown)[] = [failing, () => 7, () => undefined, () => 'a\0\ud800', () => 'x'.repeat(100_000)];
    const address = ({ url }: { readonly url: string | undefined }) => names[Number(url)]?.() as string;
    const t = await testMill({ pipelines: [hooks({ address })], answer: () => delivered });
    for (const n of names.keys()) await t.ingest('hooks', { key: `${n}`, to: `${n}`, n });
    await t.drain();
    assert.equal(t.calls.length, names.length);
    assert.equal(t.mill.counts().hooks?.deliveries, 0);
    await t.stop();
  });

  test('a redriven delivery belongs to the flow of its address', async () => {
    let isUp = false;
    const t = await testMill({ pipelines: [hooks()], answer: () => (isUp ? never() : { result: 'refused', reason: 'no' }) });
    await t.ingestBatch(
      'hooks',
      many(20, (n) => ({ key: `${n}`, to: 'dead', n })),
    );
    await t.drain();
    isUp = true;
    const before = t.calls.length;
    for (const { id } of await t.deadLetters()) await t.mill.redrive(id);
    await until(() => t.calls.length > before + 2);
    assert.ok(t.calls.length - before <= 5, `${t.calls.length - before} calls`);
    await t.stop();
  });
});
