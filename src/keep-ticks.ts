import { executionAsyncResource } from 'node:async_hooks';

/*
 * Keeps `process.nextTick` fast, which Node.js calls five times per request. V8 gives up its fast path for allocating tick objects once the
 * shape it knows has been garbage-collected, which happens during startup while no tick is pending; from then on each tick costs about ten
 * times as much. The shape lives as long as one such object does. Import this before anything that allocates much memory.
 */
const kept: object[] = [];
process.nextTick(() => kept.push(executionAsyncResource()));
