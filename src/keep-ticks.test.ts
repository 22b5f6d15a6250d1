import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

test('a tick’s object outlives its tick, and with it the shape of the next ones', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const ticks: WeakRef<object>[] = [];
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'TickObject') ticks.push(new WeakRef(resource));
    },
  }).enable();
  await import('./keep-ticks.ts');
  await turn();
  hook.disable();
  // An object read through a weak reference stays alive until the end of the turn.
  for (let nth = 0; nth < 3; nth += 1) {
    await turn();
    collect();
  }
  assert.equal(ticks.filter((tick) => tick.deref() !== undefined).length, 1);
});
