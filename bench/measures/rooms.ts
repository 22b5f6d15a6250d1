import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerDescription } from '../peers/index.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { MariadbServer } from '../servers/mariadb.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { RedisServer } from '../servers/redis.ts';

/** A peer's fresh environment, without anything from an earlier run. */
export interface Room {
  readonly folder: string;
  /** The URL of a new database; empty if the peer needs none. */
  readonly database: string;
  readonly redisPort: number;
  /** Processor time of its server so far, in milliseconds; 0 if there is none. */
  serverCpuMs(): number;
  leave(): Promise<void>;
}

interface Servers {
  readonly postgres: PostgresServer | undefined;
  readonly mariadb: MariadbServer | undefined;
  readonly redis: RedisServer | undefined;
}

/** The servers that the peers need, and rooms on them. */
export class Rooms {
  readonly #folder: string;
  readonly #servers: Servers;
  #count = 0;

  private constructor(folder: string, servers: Servers) {
    this.#folder = folder;
    this.#servers = servers;
  }

  static async open(peers: readonly Pick<PeerDescription, 'server'>[], folder: string, cleanup: Cleanup): Promise<Rooms> {
    const isNeeded = (server: string) => peers.some((peer) => peer.server === server);
    return new Rooms(folder, {
      postgres: isNeeded('postgres') ? await PostgresServer.start(folder, cleanup) : undefined,
      mariadb: isNeeded('mariadb') ? await MariadbServer.start(folder, cleanup) : undefined,
      redis: isNeeded('redis') ? await RedisServer.start(folder, cleanup) : undefined,
    });
  }

  async versions(): Promise<Readonly<Record<string, string>>> {
    const [postgres, mariadb, redis] = await Promise.all(
      [this.#servers.postgres, this.#servers.mariadb, this.#servers.redis].map((server) => server?.version()),
    );
    return { ...(postgres && { Postgres: postgres }), ...(mariadb && { MariaDB: mariadb }), ...(redis && { Redis: redis }) };
  }

  /** Returns a new one. The servers' other work is over by then. */
  async enter({ name, server }: Pick<PeerDescription, 'name' | 'server'>): Promise<Room> {
    const { redis } = this.#servers;
    this.#count += 1;
    const folder = join(this.#folder, `${this.#count}-${name}`);
    mkdirSync(folder);
    if (server === 'redis') await redis?.clear();
    const databases = server === 'postgres' || server === 'mariadb' ? this.#servers[server] : undefined;
    const database = (await databases?.newDatabase()) ?? '';
    const leave = async () => databases?.dropDatabase(database);
    const serverCpuMs = () => (server === 'none' ? 0 : (this.#servers[server]?.cpuMs() ?? 0));
    return { folder, database, redisPort: redis?.port ?? 0, serverCpuMs, leave };
  }
}
