import { executionAsyncResource } from 'node:async_hooks';

/*
 * Keeps `process.nextTick` fast, which Node.js calls five times for each request. V8 gives up on its fast way to make the objects of ticks when the shape
 * that it knows was collected as garbage, as happens while a program starts and no tick is under way; from then on each costs about ten times as much.
 * The shape lives as long as one such object does. To be imported before what takes memory.
 */
const kept: object[] = [];
process.nextTick(() => kept.push(executionAsyncResource()));
