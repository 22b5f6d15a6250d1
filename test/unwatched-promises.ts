/**
 * Preloaded into each test process of a long run: keeps `node:test` from watching every promise.
 *
 * `node:test` enables a hook of `async_hooks`, which tells which test an error that nobody caught belongs to. Watching promises takes up to
 * a third of the time of code that mostly awaits. Without it such an error still fails its file, but may name no test; that file run alone
 * names the test.
 */
import asyncHooks from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';

const { createHook } = asyncHooks;

/** Only the first hook of the process is that of `node:test`. */
const createFirstHook: typeof createHook = (callbacks) => {
  asyncHooks.createHook = createHook;
  return createHook({ ...callbacks, trackPromises: false });
};

if (isMainThread) asyncHooks.createHook = createFirstHook;
