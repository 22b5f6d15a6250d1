// Entry of the process that the launcher starts on an old Node.js: ties its life to the launcher's, then goes on as usual.

import { Worker } from 'node:worker_threads';
import { giveStopOrder } from './stop-orders.js';

// A thread of its own, so that a busy main thread cannot put the end off.
const lifeline = new Worker(new URL('./lifeline.js', import.meta.url));
lifeline.on('message', giveStopOrder).unref();

await import('./start.js');
