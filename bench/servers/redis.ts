import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../test/free-port.ts';
import type { Cleanup } from './cleanup.ts';
import { processorTimeOfFamily } from './processor-time.ts';

/** A Redis that writes each command to disk before it answers (`appendfsync always`), on a free port of the loopback. */
export class RedisServer {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static async start(parent: string, cleanup: Cleanup): Promise<RedisServer> {
    const folder = join(parent, 'redis');
    mkdirSync(folder);
    const port = await freePort();
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const durability = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];
    const child = spawn('redis-server', [...settings, ...durability], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    cleanup.add(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    });
    const ready = Promise.withResolvers<void>();
    child.on('error', (error) => ready.reject(new Error(`redis-server: ${error.message}: apt-get install redis-server`)));
    child.on('exit', (code) => ready.reject(new Error(`redis-server ended with ${code}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('Ready to accept connections')) ready.resolve();
    });
    await ready.promise;
    return new RedisServer(port, child);
  }

  async clear(): Promise<void> {
    await this.#with((redis) => redis.flushall());
  }

  /** Returns its processor time so far, in milliseconds. */
  cpuMs(): number {
    return processorTimeOfFamily(this.#child.pid);
  }

  async version(): Promise<string> {
    return this.#with(async (redis) => /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown');
  }

  async #with<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({ host: '127.0.0.1', port: this.port });
    try {
      return await use(redis);
    } finally {
      redis.disconnect();
    }
  }
}
