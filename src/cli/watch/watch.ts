import { resolve } from 'node:path';
import { shownPath } from '../../modules/shown-path.ts';
import { Child } from './child.ts';
import { WatchedFiles } from './watched-files.ts';

/**
 * Serves in a separate process, which is replaced whenever a file it has loaded changes. Code that does not load never replaces running
 * code:
 *
 * - **serving**: a change leads to *checking*; the end of the server to *waiting*.
 * - **checking**: another process loads everything and serves nothing. If that works the server stops gracefully and a new one starts
 *   (*serving*); otherwise the old one, if any, continues.
 * - **waiting**: no server runs, since it failed; the next change leads to *checking*.
 *
 * Returns when `stop` resolves, or with the exit code of a command line that no file change can fix (2).
 */
export async function watchServe(words: readonly string[], stop: Promise<void>): Promise<number | undefined> {
  const watched = new WatchedServer(words, stop);
  try {
    return await watched.run();
  } finally {
    await watched.end();
  }
}

type Happened = 'stop' | { readonly changed: readonly string[] } | { readonly code: number | undefined };

class WatchedServer {
  readonly #words: readonly string[];
  readonly #files = new WatchedFiles();
  readonly #stopped: Promise<Happened>;
  #server: Child | undefined;
  #check: Child | undefined;

  constructor(words: readonly string[], stop: Promise<void>) {
    this.#words = words;
    this.#stopped = stop.then(() => 'stop');
    this.#files.add(resolve('.env'));
    this.#server = this.#start();
  }

  async run(): Promise<number | undefined> {
    let changes = this.#changes();
    for (;;) {
      const happened = await Promise.race([this.#stopped, changes, ...(this.#server === undefined ? [] : [endOf(this.#server)])]);
      if (happened === 'stop') return undefined;
      if ('code' in happened) {
        if (happened.code === 2) return 2;
        this.#hasEnded(happened.code);
      } else {
        changes = this.#changes();
        say(`${happened.changed.map(shownPath).join(', ')} changed`);
        await this.#replace();
      }
    }
  }

  async end(): Promise<void> {
    this.#files.close();
    await Promise.all([this.#server?.stop(), this.#check?.stop()]);
  }

  #hasEnded(code: number | undefined): void {
    this.#server = undefined;
    this.#files.countsNew = true;
    say(`the server has ended (${code === undefined ? 'by a signal' : `exit code ${code}`}); waiting for a change`);
  }

  /** Replaces the server with the current state of the files, if it loads. Returns early for a stop. */
  async #replace(): Promise<void> {
    this.#check = this.#start('--check');
    const checked = await Promise.race([this.#stopped, endOf(this.#check)]);
    if (checked === 'stop') return;
    const loads = 'code' in checked && checked.code === 0;
    this.#files.countsNew = !loads;
    if (loads) {
      await this.#server?.stop();
      this.#server = this.#start();
    } else {
      say(this.#server === undefined ? 'waiting for the next change' : 'the old version keeps running; waiting for the next change');
    }
  }

  #start(...more: readonly string[]): Child {
    return new Child([...this.#words, ...more], (path) => this.#files.add(path));
  }

  async #changes(): Promise<Happened> {
    return { changed: await this.#files.changed() };
  }
}

async function endOf(child: Child): Promise<Happened> {
  return { code: await child.ended };
}

function say(text: string): void {
  process.stderr.write(`millrace: ${text}\n`);
}
