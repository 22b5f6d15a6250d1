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

test('the first order asks to stop, and a second one ends the process with its signal’s exit code', async (context) => {
  const { exits, orders, give } = ordering(context);
  const stop = stopRequested(orders, { echoes: false });
  give('SIGTERM', 0);
  await stop;
  assert.deepEqual(exits, []);
  give('SIGINT', 1);
  assert.deepEqual(exits, [130]);
});

test('if npm forwards signals, the same signal shortly afterwards is the same order; a later or different one is a second order', async (context) => {
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

test('an order that arrives in two ways counts once, and a second one in either way counts as a second', async (context) => {
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

test('a command that leaves nothing half done ends at the first order, after tidying its output', (context) => {
  const { exits, orders, give } = ordering(context);
  let ended = false;
  endWhenAsked(orders, () => {
    ended = true;
  });
  give('SIGTERM', 0);
  assert.deepEqual([ended, exits], [true, [143]]);
});
