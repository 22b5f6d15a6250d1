import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { v7 as newId } from 'uuid';
import { reasonLengthMax } from '../../engine/audit.ts';
import { MillraceError } from '../../errors.ts';
import { toStorableText } from '../../pipeline/text.ts';
import { checkStored } from '../../store/sqlite/keys-of-file.ts';
import { readFile } from '../../store/sqlite/read-file.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { AuditEntry, DeadLetterFilter, Store, StoreDeclaration, StoredOperation } from '../../store/store.ts';
import type { Asked } from './desk.ts';
import { letterFilterOf } from './read-letter-filter.ts';
import type { Item } from './server-calls.ts';

/** The subject of an order, and its reason. */
type Deed = Pick<AuditEntry, 'action' | 'pipeline' | 'subject'> & { readonly reason: string | undefined };

/**
 * Leaves orders in a database that no server owns. Only the program of a pipeline can redrive or discard, so the order is an operation, which the next
 * server that starts on the file carries out. Refuses a file that a server owns: send the order to that server instead.
 */
export class FileOrders {
  readonly #file: string;
  readonly #who: string | null;

  constructor(file: string, who: string | null) {
    this.#file = file;
    this.#who = who;
  }

  /** Throws `MILL_NOT_FOUND` if none of the named letters exists. */
  async resolve(action: 'redrive' | 'discard', { ids, filter = {}, startAfterMs = 0, dryRun, reason }: Asked): Promise<Item> {
    const asked = letterFilterOf(filter);
    return this.#whileOwned({ pipelines: [], tables: [] }, async (store) => {
      const filters = ids === undefined ? [asked] : await namedBy(store, ids);
      const counts = await Promise.all(filters.map((one) => store.countDeadLetters(one)));
      const matched = counts.reduce((total, { count }) => total + count, 0);
      if (dryRun) return { matched };
      const operations: Item[] = [];
      for (const { pipeline = '', ...others } of filters) {
        const operation = this.#operation({ action, pipeline, filter: others, startAfterMs, reason });
        const deed = { action: `${action} letters`, pipeline, subject: operation.id, reason };
        await store.operations.add(operation, this.#entry(deed));
        operations.push({ id: operation.id, pipeline, action, startsAt: new Date(operation.startsAt).toISOString() });
      }
      return { matched, operations };
    });
  }

  async setPaused(pipeline: string, act: 'pause' | 'resume', reason: string | undefined): Promise<Item> {
    readFile(this.#file, (db) => checkStored(db, pipeline));
    const entry = this.#entry({ action: act, pipeline, subject: null, reason });
    await this.#whileOwned({ pipelines: [{ name: pipeline, numbered: false }], tables: [] }, (store) =>
      store.setPaused(pipeline, act === 'pause', entry),
    );
    return { pipeline, paused: act === 'pause' };
  }

  /** Runs an action while no server can start on the file. Throws `MILL_STORE_OWNED` if one runs on it. */
  async #whileOwned<T>(declaration: StoreDeclaration, work: (store: Store) => Promise<T>): Promise<T> {
    const path = resolve(this.#file);
    if (!existsSync(path)) throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: expected a database, found no file`);
    const store = sqlite(path);
    await store.open(declaration);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  #operation({ action, pipeline, filter, startAfterMs, reason }: NewOperation): StoredOperation {
    const askedAt = Date.now();
    return {
      ...{ id: newId(), action, pipeline, filter, who: this.#who, reason: storable(reason) },
      ...{ askedAt, startsAt: askedAt + startAfterMs, state: 'starting', begunAt: null, endedAt: null },
      ...{ matched: 0, upTo: null, reached: '', done: 0, refused: 0 },
    };
  }

  #entry({ action, pipeline, subject, reason }: Deed): AuditEntry {
    return { id: newId(), at: Date.now(), who: this.#who, action, pipeline, key: null, subject, reason: storable(reason) };
  }
}

interface NewOperation extends Pick<StoredOperation, 'action' | 'pipeline' | 'filter'> {
  readonly startAfterMs: number;
  readonly reason: string | undefined;
}

function storable(reason: string | undefined): string | null {
  return reason === undefined || reason === '' ? null : toStorableText(reason, reasonLengthMax);
}

/** Returns a filter for the named letters of each pipeline. */
async function namedBy(store: Store, ids: readonly string[]): Promise<readonly DeadLetterFilter[]> {
  const letters = await store.deadLetters({ ids, limit: ids.length });
  const known = new Set(letters.map(({ id }) => id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) throw new MillraceError('MILL_NOT_FOUND', `expected the id of a dead letter, found ${unknown}`);
  const byPipeline = Map.groupBy(letters, ({ partition }) => partition.pipeline);
  return Array.from(byPipeline, ([pipeline, own]) => ({ pipeline, ids: own.map(({ id }) => id) }));
}
