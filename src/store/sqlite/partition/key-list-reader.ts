import type { DatabaseSync } from 'node:sqlite';
import { type KeyRange, keyRangeOf } from '../../key-range.ts';
import { Select } from '../../node-sqlite/select.ts';
import type { KeySummary, KeysQuery } from '../../store.ts';
import { compareText } from '../../text-order.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

type NameRow = readonly [key: string | null];
type SummaryRow = readonly [next: number | null, parked: number, heldFrom: number | null, held: number, isRetried: number];

/** Lists the keys of one pipeline. An index has each kind of them in order. */
export class KeyListReader {
  readonly #walks: Readonly<Record<NonNullable<KeysQuery['among']> | 'all', readonly Walk[]>>;
  readonly #summary: Select<SummaryRow>;

  constructor(db: DatabaseSync, pipeline: string) {
    const { keys, held, gaps, causes } = tablesOf(pipeline);
    const walk = (table: string, condition?: string) => new Walk(db, table, condition);
    this.#walks = {
      all: [walk(keys), walk(held), walk(causes)],
      parked: [walk(keys, 'parked = 1')],
      gaps: [walk(gaps)],
      retried: [walk(held, 'attempts > 0'), walk(causes, 'attempts > 0')],
    };
    const isRetried = (table: string) => `EXISTS (SELECT 1 FROM ${table} WHERE key = ?1 AND attempts > 0)`;
    this.#summary = new Select(
      db,
      `SELECT (SELECT CAST(next AS REAL) FROM ${keys} WHERE key = ?1), EXISTS (SELECT 1 FROM ${keys} WHERE key = ?1 AND parked = 1),
         (SELECT min("order") FROM ${held} WHERE key = ?1), (SELECT count(*) FROM ${held} WHERE key = ?1), ${isRetried(held)} OR ${isRetried(causes)}`,
    );
  }

  read({ among, limit, ...query }: KeysQuery): readonly KeySummary[] {
    const range = keyRangeOf(query);
    const names = new Set(this.#walks[among ?? 'all'].flatMap((walk) => walk.names(range, limit)));
    return Array.from(names)
      .sort(compareText)
      .slice(0, limit)
      .map((key) => this.#summaryOf(key));
  }

  #summaryOf(key: string): KeySummary {
    const [next, parked, heldFrom, held, isRetried] = this.#summary.get(key) ?? [null, 0, null, 0, 0];
    return { key, next, parked: parked === 1, heldFrom, held, isRetried: isRetried === 1 };
  }
}

/** The keys of one table, each found by one index look-up: a key may have thousands of rows. */
class Walk {
  readonly #from: Select<NameRow>;
  readonly #behind: Select<NameRow>;
  readonly #fromBelow: Select<NameRow>;
  readonly #behindBelow: Select<NameRow>;

  constructor(db: DatabaseSync, table: string, condition = 'true') {
    const first = (range: string) => new Select<NameRow>(db, `SELECT min(key) FROM ${table} WHERE ${condition} AND ${range}`);
    this.#from = first('key >= ?1');
    this.#behind = first('key > ?1');
    this.#fromBelow = first('key >= ?1 AND key < ?2');
    this.#behindBelow = first('key > ?1 AND key < ?2');
  }

  names({ from, isBehind, below }: KeyRange, limit: number): readonly string[] {
    const bound = below === undefined ? [] : [below];
    const behind = below === undefined ? this.#behind : this.#behindBelow;
    const first = isBehind ? behind : below === undefined ? this.#from : this.#fromBelow;
    const names: string[] = [];
    let key = first.get(from, ...bound)?.[0] ?? null;
    while (key !== null && names.length < limit) {
      names.push(key);
      key = behind.get(key, ...bound)?.[0] ?? null;
    }
    return names;
  }
}
