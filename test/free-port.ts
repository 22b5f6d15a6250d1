import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Systems assign no port below these by themselves (32,768 on Linux, 49,152 elsewhere), neither to connections nor to listeners on port 0.
 * Nothing else therefore takes such a port while the server that it is for is being prepared or is down, and a client that connects meanwhile
 * cannot meet itself.
 */
const [from, to] = [16_384, 32_768];

/** Returns a port of the loopback that nobody listens on, and that nobody gets by chance before the test's own server does. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from));
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
