import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { type Mill, memory, millrace, type Store } from '../src/index.ts';
import type { AccessOptions } from '../src/server/access/guard.ts';
import { createServer } from '../src/server/create-server.ts';
import { configure, type System } from '../src/server/index.ts';
import { patientClock } from '../test/patient-clock.ts';
import { systems as declared } from './index.ts';

/** All systems, served until the test ends. No batch of messages is sent. */
export async function serveAll(
  t: TestContext,
  { access = {}, store = memory() }: { readonly access?: AccessOptions; readonly store?: Store } = {},
): Promise<{ readonly url: string; readonly mill: Mill; readonly systems: readonly System[] }> {
  const systems = declared.map((system) => configure(system, { SCHEDULER_INTERVAL: '1h' }));
  const mill = await millrace({ store, pipelines: systems.flatMap(({ pipelines }) => pipelines), clock: patientClock }).start();
  const server = await createServer({ mill, systems, log: pino({ level: 'silent' }), access });
  t.after(() => server.stop(1000));
  return { url: await server.listen({ host: '127.0.0.1', port: 0 }), mill, systems };
}
