// npm starts a script through a shell. A signal to npm ends that shell without being forwarded, and `kill -9` ends npm alone.
// A process started by npm must not live on and keep the port and the database, so it stops once its parent is gone. A
// process with its own session (`setsid`) is meant to outlive npm.
// biome-ignore-all lint/style/useNodejsImportProtocol: some Node.js versions that this must run on do not know `node:`

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
 * Returns the session of a process, if the system reports it. A parent in another session is not the one that npm started,
 * which was gone before this process began.
 */
function sessionOf(id) {
  try {
    // The fields follow the name of the program, which may contain anything: state, parent, group, session.
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ').pop();
    return Number(fields.split(' ')[3]);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].indexOf(error.code) >= 0) return undefined;
    throw error;
  }
}
