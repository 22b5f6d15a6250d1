// The thread that holds the child's end of the launcher's pipe. Each line in it is an order to stop, which goes to the main
// thread. The pipe ends when the launcher is gone: a launcher that was killed left no order, so this process dies as if it
// had been killed itself.

import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parentPort } from 'node:worker_threads';

const pipe = new Socket({ fd: 3, readable: true, writable: false })
  .on('error', () => process.kill(process.pid, 'SIGKILL'))
  .on('close', () => process.kill(process.pid, 'SIGKILL'));

createInterface({ input: pipe }).on('line', (line) => parentPort.postMessage(JSON.parse(line)));
