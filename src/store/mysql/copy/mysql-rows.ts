import type { TakeRows } from '../../copy/copy-ends.ts';
import { type CopiedRow, type CopiedValue, type CopyPart, placeOf } from '../../copy/copy-part.ts';
import { type PartSelect, selectOf } from '../../copy/part-select.ts';
import type { SqlRows } from '../../sql/copy/sql-ends.ts';
import type { MysqlConnections } from '../connection/connections.ts';
import { allRows, idsAcrossSlices, partDialect } from './mysql-selects.ts';

/** Maximum rows taken together, and UTF-16 units of their texts. */
const rowsMax = 2_000;
const charactersMax = 4 * 1024 * 1024;

/** Reads parts of a database. */
export class MysqlRows implements SqlRows {
  readonly #connections: MysqlConnections;
  readonly #isSource: boolean;

  /** @param isSource true for the copy's source, from which all slices come together */
  constructor(connections: MysqlConnections, isSource: boolean) {
    this.#connections = connections;
    this.#isSource = isSource;
  }

  async pipelines(): Promise<readonly string[]> {
    return this.#names('SELECT pipeline FROM millrace_pipelines ORDER BY pipeline');
  }

  async tables(): Promise<readonly string[]> {
    return this.#names(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'
         AND table_name NOT LIKE 'millrace\\_%' ORDER BY table_name`,
    );
  }

  async count(part: CopyPart): Promise<number> {
    const { from, counted } = this.#select(part);
    const [found] = await this.#connections.read({ text: counted ?? `SELECT COUNT(*) FROM ${from}`, values: [] });
    return Number(found?.rows[0]?.[0]);
  }

  /** As they arrive, in one statement. */
  async read(part: CopyPart, from: number, take: TakeRows): Promise<void> {
    const { columns, order, ...select } = this.#select(part);
    const text = `SELECT ${columns} FROM ${select.from} ORDER BY ${order} LIMIT ${allRows} OFFSET ${from}`;
    let rows: CopiedRow[] = [];
    let nth = from;
    let characters = 0;
    const finish = async () => {
      if (rows.length > 0) await take(rows);
      rows = [];
      characters = 0;
    };
    await this.#connections.reading(async (transaction) => {
      await transaction.stream({ text, values: [], isForeign: part.kind === 'rows' }, async (row) => {
        nth += 1;
        rows.push(toCopied(part, row as readonly CopiedValue[], nth));
        for (const value of row) if (typeof value === 'string') characters += value.length;
        if (rows.length >= rowsMax || characters >= charactersMax) await finish();
      });
      await finish();
    });
  }

  async #names(text: string): Promise<readonly string[]> {
    const [found] = await this.#connections.read({ text, values: [] });
    return found?.rows.map(([name]) => String(name)) ?? [];
  }

  /** For verification the order does not matter: a log need not be sorted. */
  #select(part: CopyPart): PartSelect {
    const select = selectOf(part, partDialect);
    // They are counted here.
    if (part.kind === 'deliveries') return { ...select, columns: select.columns.replace(/row_number\(\) OVER \([^)]*\)/, '0') };
    if (this.#isSource) return part.kind === 'ids' && !part.keepsSlices ? idsAcrossSlices(part.pipeline) : select;
    return part.kind === 'log' ? { ...select, order: 'place.slice, place.position' } : select;
  }
}

const lettersAt = placeOf('log', 'letters');

/** The database writes JSON with spaces, and lists in its own order. */
function toCopied({ kind }: CopyPart, [slice, place, ...values]: readonly CopiedValue[], nth: number): CopiedRow {
  if (kind === 'log') values[lettersAt] = JSON.stringify((JSON.parse(String(values[lettersAt])) as string[]).sort());
  return { slice: Number(slice), place: kind === 'deliveries' ? nth : Number(place), values };
}
