import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { endWhenAsked, type StopOrder, stopRequested } from './stop-orders.ts';

/** Stop orders sent by a test, and the exit codes that they would have ended the process with. */
function ordering(context: TestContext) {
  const exits: unknown[] = [];
  context.mock.method(process, 'exit', (code: unknown) => exits.push(code));
  let listen: (order: StopOrder) => void = () => assert.fail('nobody listens');
  const orders = {
    onStopOrder(listener: typeof listen) {
      listen = listener;
    },
  };
  const give = (signal: StopOrder['signal'], atMs: number, way: StopOrder['way'] = 'signal') => listen({ signal, way, atMs });
  return { exits, orders, give };
}

test('a first order asks to stop, a second one ends the process with the exit code of its signal', async (context) => {
  const { exits, orders, give } = ordering(context);
  const stop = stopRequested(orders, { echoes: false });
  give('SIGTERM', 0);
  await stop;
  assert.deepEqual(exits, []);
  give('SIGINT', 1);
  assert.deepEqual(exits, [130]);
});

test('where npm passes signals on, the same one soon after is the same order, and a later or another one is a second', async (context) => {
  const { exits, orders, give } = ordering(context);
  const stop = stopRequested(orders, { echoes: true });
  give('SIGINT', 0);
  give('SIGINT', 400);
  await stop;
  assert.deepEqual(exits, []);
  give('SIGINT', 1_500);
  assert.deepEqual(exits, [130]);
  give('SIGTERM', 1);
  assert.deepEqual(exits, [130, 143]);
});

test('an order that comes by two ways is one, and a second one by one of them counts', async (context) => {
  const { exits, orders, give } = ordering(context);
  const stop = stopRequested(orders, { echoes: false });
  give('SIGTERM', 0, 'launcher');
  give('SIGTERM', 9_000, 'signal');
  give('SIGTERM', 9_000, 'parent');
  await stop;
  assert.deepEqual(exits, []);
  give('SIGHUP', 9_001, 'launcher');
  assert.deepEqual(exits, [129]);
});

test('a command that leaves nothing half done ends at the first order, once it has put its output in order', (context) => {
  const { exits, orders, give } = ordering(context);
  let ended = false;
  endWhenAsked(orders, () => {
    ended = true;
  });
  give('SIGTERM', 0);
  assert.deepEqual([ended, exits], [true, [143]]);
});
