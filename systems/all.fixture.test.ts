import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { type Mill, memory, millrace } from '../src/index.ts';
import type { AccessOptions } from '../src/server/access/guard.ts';
import { createServer } from '../src/server/create-server.ts';
import { configure, type System } from '../src/server/index.ts';
import { systems as declared } from './index.ts';

/** All systems, served from memory until the test ends. No batch of messages goes out. */
export async function serveAll(
  t: TestContext,
  access: AccessOptions = {},
): Promise<{ readonly url: string; readonly mill: Mill; readonly systems: readonly System[] }> {
  const systems = declared.map((system) => configure(system, { SCHEDULER_INTERVAL: '1h' }));
  const mill = await millrace({ store: memory(), pipelines: systems.flatMap(({ pipelines }) => pipelines) }).start();
  const server = await createServer({ mill, systems, log: pino({ level: 'silent' }), access });
  t.after(() => server.stop(1000));
  return { url: await server.listen({ host: '127.0.0.1', port: 0 }), mill, systems };
}
