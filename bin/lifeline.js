// The thread that holds the child's end of the launcher's pipe. Nothing is ever written to it; it ends when the launcher
// is gone. A launcher that was killed left no order to stop, so this process dies as if it had been killed itself.

import { Socket } from 'node:net';

new Socket({ fd: 3, readable: true, writable: false })
  .on('error', () => process.kill(process.pid, 'SIGKILL'))
  .on('close', () => process.kill(process.pid, 'SIGKILL'))
  .resume();
