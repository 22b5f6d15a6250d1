import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';

/** A test's own PGlite, in memory, behind its package for sockets: all clients share its one session. The caller that starts it stops it. */
export class PgliteServer {
  readonly url: string;
  readonly stop: () => Promise<void>;

  private constructor(port: number, server: ServerProcess) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.stop = () => server.end('SIGKILL');
  }

  /** Resolves when it answers. */
  static async start(): Promise<PgliteServer> {
    const port = await freePort();
    // The package's program, which its exports do not list.
    const program = new URL('./scripts/server.js', import.meta.resolve('@electric-sql/pglite-socket'));
    const words = [fileURLToPath(program), `--port=${port}`, '--max-connections=500'];
    return new PgliteServer(port, await ServerProcess.start(process.execPath, words, { says: 'stdout', ready: 'listening' }));
  }
}
