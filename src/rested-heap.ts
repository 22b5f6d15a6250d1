import { Script } from 'node:vm';

/*
 * Lets V8 return memory soon after work ends. V8 collects the garbage of an idle heap and then gives memory back. But since version 13.1 it
 * treats a heap that creates no C++ objects as busy, and waits until 100 s after its last full collection
 * (`findings/node-heap-at-rest.sh`). A script is a C++ object, and one is enough: V8 samples allocations every 8 s, and the first sample
 * without a new script finds the heap idle.
 */

/** Longer than a sample takes, so that some samples see no script even when work never ends. */
const afterMs = 10_000;

let isAwaited = false;

/** Notes that this thread has worked, so its heap will soon have garbage and little to do. */
export function heapWorked(waitMs = afterMs): void {
  if (isAwaited) return;
  isAwaited = true;
  setTimeout(() => {
    isAwaited = false;
    new Script('0');
  }, waitMs).unref();
}
