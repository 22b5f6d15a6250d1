/**
 * Preloaded into each test process of a long run: keeps `node:test` from watching every promise.
 *
 * `node:test` enables a hook of `async_hooks` to tell which test an uncaught error belongs to. The hook costs up to a third of the time of
 * code that mostly awaits. Without it such an error still fails its file, but names no test; that file run alone names the test.
 */
import asyncHooks, { type AsyncHook } from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';

const { createHook } = asyncHooks;

/** Only the first hook of the process is that of `node:test`. */
function createFirstHook(): AsyncHook {
  asyncHooks.createHook = createHook;
  const hook: AsyncHook = { enable: () => hook, disable: () => hook };
  return hook;
}

if (isMainThread) asyncHooks.createHook = createFirstHook;
