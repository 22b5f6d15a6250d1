import { Script } from 'node:vm';

/*
 * Lets V8 return the memory that work took, soon after the work ends. V8 collects the garbage of a heap that rests, and then gives memory
 * back. But since version 13.1 it takes a heap that makes no C++ objects for a busy one, and waits until its last full collection
 * is 100 s ago (`findings/node-heap-at-rest.sh`). A script is a C++ object, and one is enough: V8 samples every 8 s what was made, and
 * the first sample without a new script finds the heap at rest.
 */

/** Longer than a sample takes, so that some samples find no script even where work never ends. */
const afterMs = 10_000;

let isAwaited = false;

/** Notes that this thread has worked: its heap will soon have garbage and little to do. */
export function heapWorked(waitMs = afterMs): void {
  if (isAwaited) return;
  isAwaited = true;
  setTimeout(() => {
    isAwaited = false;
    new Script('0');
  }, waitMs).unref();
}
