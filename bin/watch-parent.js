// npm starts a script through a shell. A signal to npm ends that shell, which does not pass it on, and `kill -9` ends npm
// alone. What npm has started must not live on with the port and the database, so it stops once its parent is gone. What
// was given a session of its own (`setsid`) is meant to outlive npm.
// biome-ignore-all lint/style/useNodejsImportProtocol: `node:` is not known to every Node.js that this must run on

import { readFileSync } from 'fs';
import { elapsedMs, giveStopOrder } from './stop-orders.js';

const lookEveryMs = 200;
const parent = process.ppid;
const session = sessionOf('self');

if (process.env.npm_lifecycle_event !== undefined && session !== process.pid) {
  const sessionOfParent = sessionOf(parent);
  if (sessionOfParent !== undefined && sessionOfParent !== session) stop();
  else {
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      stop();
    }, lookEveryMs);
    watch.unref();
  }
}

function stop() {
  giveStopOrder({ signal: 'SIGTERM', way: 'parent', atMs: elapsedMs() });
}

/**
 * The session of a process, where the system tells. A parent of another session is not the one that npm started: that one
 * was gone before this began.
 */
function sessionOf(id) {
  try {
    // Fields stand behind the name of the program, which may hold anything: state, parent, group, session.
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ').pop();
    return Number(fields.split(' ')[3]);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].indexOf(error.code) >= 0) return undefined;
    throw error;
  }
}
