import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from '../../test/free-port.ts';
import type { Cleanup } from './cleanup.ts';
import { processorTimeOfFamily } from './processor-time.ts';

/** Postgres refuses to run as root; root runs it as this user, made by the package. */
const user = 'postgres';
const startTimeoutMs = 30_000;

/** A Postgres with its default durability, on a free port of the loopback, in its own folder. */
export class PostgresServer {
  readonly #port: number;
  readonly #child: ChildProcess;
  #databases = 0;

  private constructor(port: number, child: ChildProcess) {
    this.#port = port;
    this.#child = child;
  }

  /** @param more settings beyond the defaults, each as `name=value` */
  static async start(parent: string, cleanup: Cleanup, more: readonly string[] = []): Promise<PostgresServer> {
    const programs = findPrograms();
    const identity = process.getuid?.() === 0 ? identityOf(user) : {};
    const folder = join(parent, 'postgres');
    mkdirSync(folder, { mode: 0o700 });
    if (identity.uid !== undefined) {
      // The user must be able to enter the parent folders.
      chmodSync(parent, 0o711);
      chownSync(folder, identity.uid, identity.gid);
    }
    const options = { ...identity, cwd: folder };
    const words = ['-D', folder, '-U', user, '-A', 'trust', '-E', 'UTF8', '--locale=C'];
    execFileSync(join(programs, 'initdb'), words, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    const port = await freePort();
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200', ...more];
    const child = spawn(join(programs, 'postgres'), ['-D', folder, '-p', String(port), ...settings.flatMap((one) => ['-c', one])], {
      ...options,
      stdio: 'ignore',
      // It has its own process group, so that Ctrl-C reaches the benchmark, which then stops it.
      detached: true,
    });
    const server = new PostgresServer(port, child);
    cleanup.add(() => stop(child));
    await server.#untilReady();
    return server;
  }

  /** Returns the URL of a new database. */
  async newDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `bench_${this.#databases}`;
    await this.#run(`CREATE DATABASE ${name}`);
    return this.#url(name);
  }

  /** Drops a database along with its connections, and flushes its pending writes, so that the next starts equal. */
  async dropDatabase(url: string): Promise<void> {
    await this.#run(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
    await this.#run('CHECKPOINT');
  }

  async version(): Promise<string> {
    // The version without the name of the distribution's package.
    return (await this.#run('SHOW server_version')).split(' ', 1).join('');
  }

  /** Returns the processor time of all its processes so far, in milliseconds. */
  cpuMs(): number {
    return processorTimeOfFamily(this.#child.pid);
  }

  #url(database: string): string {
    return `postgres://${user}@127.0.0.1:${this.#port}/${database}`;
  }

  async #run(statement: string): Promise<string> {
    const client = new Client({ connectionString: this.#url('postgres') });
    // The statement under way also rejects with it.
    client.on('error', () => undefined);
    await client.connect();
    try {
      const { rows } = await client.query(statement);
      return String(Object.values(rows[0] ?? {})[0] ?? '');
    } finally {
      await client.end();
    }
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + startTimeoutMs;
    for (;;) {
      try {
        await this.#run('SELECT 1');
        return;
      } catch (error) {
        if (this.#child.exitCode !== null || performance.now() > deadline) throw error;
        await sleep(50);
      }
    }
  }
}

/** The folder of the newest installed version. */
function findPrograms(): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(root, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb')));
  if (found === undefined) throw new Error(`expected Postgres in ${root}: apt-get install postgresql`);
  return found;
}

function identityOf(name: string): { readonly uid: number; readonly gid: number } | { readonly uid?: never; readonly gid?: never } {
  const idOf = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  // An immediate shutdown: its contents are thrown away anyway.
  child.kill('SIGQUIT');
  await gone;
}
