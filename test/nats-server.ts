import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { freePort } from './free-port.ts';
import { natsServerProgram } from './install-nats-server.ts';
import { type Lifetime, temporaryFolder } from './program.ts';
import { ServerProcess } from './server-process.ts';

/** The reason to skip tests that need NATS; false where it is available, or required (`TEST_SERVERS=required`). */
export const withoutNats: string | false =
  existsSync(natsServerProgram) || process.env.TEST_SERVERS === 'required'
    ? false
    : 'nats-server is missing; to run this: node test/install-nats-server.ts';

export interface NatsVisit {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
}

/** A test's own NATS with JetStream: on a free port of the loopback, in a temporary folder, gone when the test ends. */
export class NatsServer {
  readonly port: number;
  readonly #file: string;
  #process: ServerProcess | undefined;

  private constructor(port: number, file: string) {
    this.port = port;
    this.#file = file;
  }

  /** Makes a running server or, with `start: false`, one that has yet to start. `settings` are added to its configuration file. */
  static async make(
    context: Lifetime,
    { settings = '', start = true }: { readonly settings?: string; readonly start?: boolean } = {},
  ): Promise<NatsServer> {
    const folder = temporaryFolder(context);
    const port = await freePort();
    const file = join(folder, 'nats.conf');
    writeFileSync(file, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${join(folder, 'jetstream')}" }\n${settings}\n`);
    const server = new NatsServer(port, file);
    context.after(() => server.kill());
    if (start) await server.start();
    return server;
  }

  /** Makes a cluster of this many servers. Resolves when they answer. */
  static async makeCluster(context: Lifetime, size: number): Promise<NatsServer[]> {
    const ports: number[] = [];
    while (ports.length < size) ports.push(await freePort());
    const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
    const servers = await Promise.all(
      ports.map((port, nth) => {
        const settings = `server_name: n${nth}\ncluster { name: tests, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
        return NatsServer.make(context, { settings, start: false });
      }),
    );
    await Promise.all(servers.map((server) => server.start()));
    return servers;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    this.#process = await ServerProcess.start(natsServerProgram, ['-c', this.#file], { says: 'stderr', ready: 'Server is ready' });
  }

  /** Opens a test's own connection, for inspecting the server or publishing to it; closed when the test ends. */
  async visit(context: Lifetime, options: NodeConnectionOptions = {}): Promise<NatsVisit> {
    const connection = await connect({ servers: this.url, ...options });
    context.after(() => connection.close());
    return { connection, manager: await jetstreamManager(connection) };
  }

  /** Ends it like a crash. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }
}
