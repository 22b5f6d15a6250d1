import { hash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';

const isLoadable = /\.(?:[cm]?[jt]s|json)$/;

/** An editor writes a file in several steps, and a git checkout writes many files. */
const settledAfterMs = 100;

/**
 * Watches the files that a program has loaded, through their folders: an editor that replaces a file would leave a watch on the file itself
 * behind. A file counts as changed when its content differs.
 */
export class WatchedFiles {
  readonly #contents = new Map<string, string | undefined>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #changed = new Set<string>();
  /** True if a new file counts as a change: a failed load may have missed it. */
  countsNew = false;
  #settling: NodeJS.Timeout | undefined;
  #notify: (() => void) | undefined;

  add(path: string): void {
    if (this.#contents.has(path)) return;
    this.#contents.set(path, contentOf(path));
    const folder = dirname(path);
    if (this.#folders.has(folder)) return;
    const watcher = watch(folder, (_event, name) => this.#look(name === null ? undefined : join(folder, name)));
    // A folder was deleted, and its files with it.
    watcher.on('error', () => this.#look(undefined));
    this.#folders.set(folder, watcher);
  }

  /** Resolves to the files changed since the last call, once there are some and the changes have paused. */
  async changed(): Promise<readonly string[]> {
    while (this.#changed.size === 0 || this.#settling !== undefined) {
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
    const changed = [...this.#changed].toSorted();
    this.#changed.clear();
    return changed;
  }

  close(): void {
    clearTimeout(this.#settling);
    for (const watcher of this.#folders.values()) watcher.close();
  }

  /** Looks after a quiet moment: an event may precede the content. */
  #look(path: string | undefined): void {
    if (path !== undefined && !this.#contents.has(path)) {
      if (!this.countsNew || !isLoadable.test(path)) return;
      this.#contents.set(path, undefined);
    }
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      for (const [known, before] of this.#contents) {
        const now = contentOf(known);
        if (now === before) continue;
        this.#contents.set(known, now);
        this.#changed.add(known);
      }
      this.#notify?.();
    }, settledAfterMs);
  }
}

/** Undefined while there is no such file. */
function contentOf(path: string): string | undefined {
  try {
    return hash('sha256', readFileSync(path));
  } catch {
    return undefined;
  }
}
