import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { freePort } from '../../test/free-port.ts';
import type { Cleanup } from './cleanup.ts';
import { processorTimeOf } from './processor-time.ts';

const program = '/usr/sbin/mariadbd';
const startTimeoutMs = 30_000;

/** A MariaDB with its defaults, on a free port of the loopback, in its own folder. */
export class MariadbServer {
  readonly #port: number;
  readonly #child: ChildProcess;
  #databases = 0;

  private constructor(port: number, child: ChildProcess) {
    this.#port = port;
    this.#child = child;
  }

  static async start(parent: string, cleanup: Cleanup): Promise<MariadbServer> {
    if (!existsSync(program)) throw new Error(`expected MariaDB in ${program}: apt-get install mariadb-server`);
    const folder = join(parent, 'mariadb');
    mkdirSync(folder);
    const folders = [`--datadir=${join(folder, 'data')}`, `--tmpdir=${folder}`];
    const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
    const install = ['--no-defaults', ...folders, ...asRoot, '--auth-root-authentication-method=normal', '--skip-test-db'];
    execFileSync('mariadb-install-db', install, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    const port = await freePort();
    const files = ['socket', 'pid-file'].map((name) => `--${name}=${join(folder, name)}`);
    const words = ['--no-defaults', ...asRoot, ...folders, ...files, `--port=${port}`, '--bind-address=127.0.0.1'];
    const child = spawn(program, words, {
      stdio: 'ignore',
      // It has its own process group, so that Ctrl-C reaches the benchmark, which then stops it.
      detached: true,
    });
    cleanup.add(() => stop(child));
    const server = new MariadbServer(port, child);
    await server.#untilReady();
    return server;
  }

  /** Returns the URL of a new database. */
  async newDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `bench_${this.#databases}`;
    await this.#run(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
    return `mysql://root@127.0.0.1:${this.#port}/${name}`;
  }

  /** Drops a database, and with its files all pending writes. */
  async dropDatabase(url: string): Promise<void> {
    await this.#run(`DROP DATABASE ${new URL(url).pathname.slice(1)}`);
  }

  async version(): Promise<string> {
    // The version without the name of the distribution's package.
    return (await this.#run('SELECT VERSION()')).split('-', 1).join('');
  }

  /** Returns the processor time of all its threads so far, in milliseconds. */
  cpuMs(): number {
    return processorTimeOf(this.#child.pid);
  }

  async #run(statement: string): Promise<string> {
    const client = await createConnection({ host: '127.0.0.1', port: this.#port, user: 'root' });
    try {
      const [rows] = await client.query({ sql: statement, rowsAsArray: true });
      return Array.isArray(rows) ? String((rows as unknown as unknown[][])[0]?.[0] ?? '') : '';
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

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  // Its contents are thrown away.
  child.kill('SIGKILL');
  await gone;
}
