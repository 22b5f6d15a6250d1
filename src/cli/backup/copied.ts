import { resolve } from 'node:path';
import type { BackupOptions } from '../../store/sqlite/backup/backup.ts';
import type { DatabaseContents } from '../../store/sqlite/backup/contents.ts';
import { type Progress, progressOf } from '../progress.ts';
import { endByOrder, firstStopOrder, type StopOrders } from '../stop-orders.ts';
import type { Copied } from './report.ts';

/** As typed. */
export interface Flags {
  readonly database?: string;
  readonly force?: true;
  readonly json?: true;
}

interface Copying {
  /** The path of the database. */
  readonly path: string;
  readonly file: string;
  readonly flags: Flags;
  readonly orders: StopOrders;
}

/** Copies, and reports progress. When asked to stop, it deletes the unfinished copy and ends the process. */
export async function copied(
  { path, file, flags, orders }: Copying,
  copy: (options: BackupOptions) => Promise<DatabaseContents>,
): Promise<Copied> {
  const stop = firstStopOrder(orders);
  const interrupted = new AbortController();
  const began = performance.now();
  const bar = new PagesBar();
  const copying = copy({
    force: flags.force === true,
    signal: interrupted.signal,
    leftover: (left) => process.stderr.write(`millrace: deleted leftovers of an interrupted backup or restore: ${left}\n`),
    progress: (done, pages) => bar.show(done, pages),
  });
  const ended = Promise.allSettled([copying]).then(() => bar.end());
  const order = await Promise.race([ended, stop]);
  if (order !== undefined) {
    interrupted.abort();
    await ended;
    endByOrder(order);
  }
  return { ...(await copying), database: resolve(path), file: resolve(file), durationMs: Math.round(performance.now() - began) };
}

/** Shows the number of copied pages on a terminal. */
class PagesBar {
  #bar: Progress | undefined;
  #shown = 0;

  show(done: number, pages: number): void {
    this.#bar ??= progressOf(pages);
    this.#bar.step(done - this.#shown);
    this.#shown = done;
    if (done === pages) this.#bar.status('verifying');
  }

  end(): void {
    this.#bar?.end();
  }
}
