import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { findPackageJSON } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const reportFiles = new URL(`./report-files${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;
const launcher = join(dirname(findPackageJSON(import.meta.url) ?? ''), 'bin/millrace.js');
const report = z.object({ loaded: z.string() });

/** A `millrace` in its own process, which reports each file it loads. */
export class Child {
  readonly #process: ChildProcess;
  /** Resolves to the exit code; `undefined` if a signal ended it. */
  readonly ended: Promise<number | undefined>;

  constructor(words: readonly string[], onLoaded: (path: string) => void) {
    // A separate session: a terminal's Ctrl-C reaches it only once, through this process.
    this.#process = spawn(process.execPath, ['--import', reportFiles, launcher, ...words], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: process.platform !== 'win32',
    });
    this.#process.on('message', (message) => {
      const found = report.safeParse(message);
      if (found.success) onLoaded(found.data.loaded);
    });
    this.ended = once(this.#process, 'exit').then(([code]) => code ?? undefined);
  }

  /** Asks it to stop and waits for it to end. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.ended;
  }
}
