// npm starts a script through a shell. A signal to npm ends that shell, which does not pass it on, and `kill -9` ends npm
// alone. What npm has started must not live on with the port and the database, so it stops once its parent is gone.

import { elapsedMs, giveStopOrder } from './stop-orders.js';

const lookEveryMs = 200;
const parent = process.ppid;

if (process.env.npm_lifecycle_event !== undefined) {
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    giveStopOrder({ signal: 'SIGTERM', way: 'parent', atMs: elapsedMs() });
  }, lookEveryMs);
  watch.unref();
}
