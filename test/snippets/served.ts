import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Workshop } from './workshop.ts';

/** A server that a page starts. */
export class Served {
  readonly url: string;
  readonly stop: () => Promise<void>;

  constructor(url: string, stop: () => Promise<void>) {
    this.url = url;
    this.stop = stop;
  }

  /** Runs the command in a shell until it listens, on a free port. Throws, with what it printed, when it ends before. */
  static async start(workshop: Workshop, folder: string, command: string, environment: NodeJS.ProcessEnv = {}): Promise<Served> {
    const env = { ...workshop.environment, ...environment };
    const child = spawn('bash', ['-c', command], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const ended = once(child, 'close');
    let printed = '';
    const listening = Promise.withResolvers<string>();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        const url = /listening on (http:\/\/\S+)/.exec(printed)?.[1];
        if (url !== undefined) listening.resolve(url);
      });
    }
    ended.then(() => listening.reject(new Error(`expected it to serve, found it to end: ${command}\n${printed}`)));
    const url = await listening.promise;
    return new Served(url, async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
      const [code] = await ended;
      if (code !== 0) throw new Error(`expected it to stop with exit code 0, found ${code}: ${command}\n${printed}`);
    });
  }
}
