import { checkServerOptions } from './check-server-options.ts';
import type { MillServer } from './mill-server.ts';
import type { ServerOptions } from './server-options.ts';

/**
 * Creates a server with the systems' routes, the operator's, health, metrics, docs and the operator's page. It does not listen yet.
 *
 * ```ts
 * const server = await createServer({ mill, systems: [web], log });
 * console.log(await server.listen({ host: '127.0.0.1', port: 8080 }));
 * await server.stop(10_000);
 * ```
 *
 * Its parts are loaded now and not with this module: a thread that runs a system's handlers needs none of them.
 *
 * Throws `MILL_INVALID_CONFIGURATION`, naming the option, the expected value and the one found.
 */
export async function createServer(options: ServerOptions): Promise<MillServer> {
  checkServerOptions(options);
  const { makeServer } = await import('./server.ts');
  return makeServer(options);
}
