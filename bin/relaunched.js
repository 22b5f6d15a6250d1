// Entry point of the process that the launcher starts on an old Node.js: ties its life to the launcher's, then starts as usual.

import { Worker } from 'node:worker_threads';
import { giveStopOrder } from './stop-orders.js';

// Runs in its own thread, so that a busy main thread cannot delay the end.
const lifeline = new Worker(new URL('./lifeline.js', import.meta.url));
lifeline.on('message', giveStopOrder).unref();

await import('./start.js');
