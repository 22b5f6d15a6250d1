import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerDescription } from '../peers/index.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { RedisServer } from '../servers/redis.ts';

/** Where a peer runs, so that it finds nothing that was there before. */
export interface Room {
  readonly folder: string;
  readonly postgres: string;
  readonly redisPort: number;
  /** The processor time that its server has taken so far, in milliseconds; 0 where there is none. */
  serverCpuMs(): number;
  leave(): Promise<void>;
}

/** The servers that the peers need, and rooms on them. */
export class Rooms {
  readonly #folder: string;
  readonly #postgres: PostgresServer | undefined;
  readonly #redis: RedisServer | undefined;
  #count = 0;

  private constructor(folder: string, postgres: PostgresServer | undefined, redis: RedisServer | undefined) {
    this.#folder = folder;
    this.#postgres = postgres;
    this.#redis = redis;
  }

  static async open(peers: readonly PeerDescription[], folder: string, cleanup: Cleanup): Promise<Rooms> {
    const isNeeded = (server: string) => peers.some((peer) => peer.server === server);
    const postgres = isNeeded('postgres') ? await PostgresServer.start(folder, cleanup) : undefined;
    const redis = isNeeded('redis') ? await RedisServer.start(folder, cleanup) : undefined;
    return new Rooms(folder, postgres, redis);
  }

  async versions(): Promise<Readonly<Record<string, string>>> {
    const postgres = await this.#postgres?.version();
    const redis = await this.#redis?.version();
    return { ...(postgres && { Postgres: postgres }), ...(redis && { Redis: redis }) };
  }

  /** A new one. The servers' other work is over by then. */
  async enter({ name, server }: Pick<PeerDescription, 'name' | 'server'>): Promise<Room> {
    this.#count += 1;
    const folder = join(this.#folder, `${this.#count}-${name}`);
    mkdirSync(folder);
    if (server === 'redis') await this.#redis?.clear();
    const postgres = server === 'postgres' ? ((await this.#postgres?.newDatabase()) ?? '') : '';
    const leave = async () => {
      if (server === 'postgres') await this.#postgres?.dropDatabase(postgres);
    };
    const serverCpuMs = () => (server === 'none' ? 0 : ((server === 'postgres' ? this.#postgres : this.#redis)?.cpuMs() ?? 0));
    return { folder, postgres, redisPort: this.#redis?.port ?? 0, serverCpuMs, leave };
  }
}
