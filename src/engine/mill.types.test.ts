import test from 'node:test';
import * as z from 'zod';
import { type AnyPipeline, type PipelinesOf, pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { type TestMill, testMill } from '../testing/test-mill.ts';
import { type Mill, millrace } from './mill.ts';

const Order = z.object({ status: z.enum(['placed', 'paid']) });
type Order = z.infer<typeof Order>;

const orders = pipeline('orders', {
  event: z.object({ id: z.string(), amount: z.coerce.number<string>() }),
  key: ({ id }) => id,
  state: Order,
  handle: () => ({ status: 'placed' }),
});
const audit = pipeline('audit', { event: z.object({ what: z.string() }), handle() {} });
const listed = [orders, audit];
const anyPipelines: readonly AnyPipeline[] = listed;

/** Takes a value of exactly one type, neither wider nor narrower. */
function exactly<Expected>() {
  return <Found>(_found: Found, ..._: IsSame<Found, Expected> extends true ? [] : [expected: Expected]): void => {};
}
type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The compiler checks these: an expected error that does not occur is itself an error. Nothing here is run. */
test('an engine knows its pipelines by name, their events and their states', () => {
  const ofList = async () => {
    const mill = await millrace({ store: memory(), pipelines: [orders, audit] }).start();
    await mill.ingest('orders', { id: 'a', amount: '12' });
    await mill.ingest('orders', { id: 'a', amount: '12' }, { id: 'mine' });
    await mill.ingestBatch('audit', [{ what: 'seen' }]);
    exactly<Order | undefined>()(await mill.state('orders', 'a'));
    exactly<undefined>()(await mill.state('audit', 'a'));
    await mill.keys('orders', ['a']);
    await mill.settled('audit');
    await mill.knows('orders', 'a');
    await mill.schedule('orders').stop();
    await mill.deadLetters({ pipeline: 'audit' });
    await mill.withdraw('orders', 'gone');
    exactly<number>()(mill.counts().orders.depth);

    // @ts-expect-error no such pipeline
    await mill.ingest('nope', {});
    // @ts-expect-error the event lacks its amount
    await mill.ingest('orders', { id: 'a' });
    // @ts-expect-error the schema takes the amount as text
    await mill.ingest('orders', { id: 'a', amount: 12 });
    // @ts-expect-error the event of the other pipeline
    await mill.ingest('orders', { what: 'seen' });
    // @ts-expect-error one of the events is wrong
    await mill.ingestBatch('audit', [{ what: 'seen' }, { who: 'me' }]);
    // @ts-expect-error no such pipeline
    await mill.state('nope', 'a');
    // @ts-expect-error no such pipeline
    await mill.keys('nope', ['a']);
    // @ts-expect-error no such pipeline
    await mill.settled('nope');
    // @ts-expect-error no such pipeline
    await mill.knows('nope', 'a');
    // @ts-expect-error no such pipeline
    mill.schedule('nope');
    // @ts-expect-error no such pipeline
    await mill.deadLetters({ pipeline: 'nope' });
    // @ts-expect-error no such pipeline
    await mill.withdraw('nope', 'gone');
    // @ts-expect-error no such pipeline
    mill.counts().nope;
  };

  const ofListFromElsewhere = async () => {
    const mill = millrace({ store: memory(), pipelines: listed });
    exactly<Order | undefined>()(await mill.state('orders', 'a'));
    // @ts-expect-error no such pipeline
    await mill.ingest('nope', {});
    const frozen = millrace({ store: memory(), pipelines: Object.freeze([orders, audit] as const) });
    exactly<Order | undefined>()(await frozen.state('orders', 'a'));
    // @ts-expect-error no such pipeline
    await frozen.ingest('nope', {});
  };

  const ofAnyPipelines = async () => {
    const mill = millrace({ store: memory(), pipelines: anyPipelines });
    await mill.ingest('whatever', { any: 'event' });
    exactly<unknown>()(await mill.state('whatever', 'a'));
    const mixed = millrace({ store: memory(), pipelines: [orders, ...anyPipelines] });
    await mixed.ingest('whatever', { any: 'event' });
    exactly<Order | undefined>()(await mixed.state('orders', 'a'));
  };

  const underTest = async () => {
    const t = await testMill({ pipelines: [orders, audit] });
    await t.ingest('orders', { id: 'a', amount: '12' });
    exactly<Order | undefined>()(await t.state('orders', 'a'));
    exactly<Order | undefined>()(await t.mill.state('orders', 'a'));
    // @ts-expect-error no such pipeline
    await t.ingest('nope', {});
    // @ts-expect-error the event lacks its amount
    await t.ingest('orders', { id: 'a' });
    // @ts-expect-error one of the events is wrong
    await t.ingestBatch('audit', [{ who: 'me' }]);
    // @ts-expect-error no such pipeline
    await t.state('nope', 'a');
    // @ts-expect-error no such pipeline
    await t.key('nope', 'a');
    // @ts-expect-error no such pipeline
    await t.deadLetters('nope');
    // @ts-expect-error no such pipeline
    await t.mill.ingest('nope', {});
    const loose = await testMill({ pipelines: anyPipelines });
    await loose.ingest('whatever', { any: 'event' });
    exactly<unknown>()(await loose.state('whatever', 'a'));
  };
  void [ofList, ofListFromElsewhere, ofAnyPipelines, underTest];
});

test('an engine is assignable wherever fewer pipelines are required, and not where more are', () => {
  type Both = PipelinesOf<readonly [typeof orders, typeof audit]>;
  const takesAny = (_: Mill) => {};
  const takesOrders = (mill: Mill<{ orders: typeof orders }>) => mill.ingest('orders', { id: 'a', amount: '12' });
  const takesBoth = (_: Mill<Both>) => {};
  const takesAnyTest = (_: TestMill) => {};

  const stands = (both: Mill<Both>, only: Mill<{ orders: typeof orders }>, any: Mill, t: TestMill<Both>) => {
    takesAny(both);
    takesAny(only);
    takesOrders(both);
    takesAnyTest(t);
    takesAny(t.mill);
    // @ts-expect-error it may have no audit
    takesBoth(only);
    // @ts-expect-error it may have no orders, or others
    takesOrders(any);
  };
  void stands;
});
