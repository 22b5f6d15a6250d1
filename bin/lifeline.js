// The thread that reads the child's end of the launcher's pipe. Each line is an order to stop, for the main thread. The pipe
// ends when the launcher is gone. A killed launcher leaves no order, so this process dies as if it had been killed itself.

import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parentPort } from 'node:worker_threads';

const pipe = new Socket({ fd: 3, readable: true, writable: false })
  .on('error', () => process.kill(process.pid, 'SIGKILL'))
  .on('close', () => process.kill(process.pid, 'SIGKILL'));

createInterface({ input: pipe }).on('line', (line) => parentPort.postMessage(JSON.parse(line)));
