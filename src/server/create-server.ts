import { checkServerOptions } from './check-server-options.ts';
import type { MillServer } from './mill-server.ts';
import type { ServerOptions } from './server-options.ts';

/**
 * Makes a server with the systems' routes, the operator's, health, metrics, docs and the operator's page. It does not listen yet.
 *
 * ```ts
 * const server = await createServer({ mill, systems: [web], log });
 * console.log(await server.listen({ host: '127.0.0.1', port: 8080 }));
 * await server.stop(10_000);
 * ```
 *
 * What it is made of is loaded now, not with this module: a thread that runs handlers of a system needs none of it.
 *
 * Throws `MILL_INVALID_CONFIGURATION` that names the option, what it expects and what it found.
 */
export async function createServer(options: ServerOptions): Promise<MillServer> {
  checkServerOptions(options);
  const { makeServer } = await import('./server.ts');
  return makeServer(options);
}
