import type { TakeRows } from '../../copy/copy-ends.ts';
import { type CopiedRow, type CopiedValue, type CopyPart, placeOf } from '../../copy/copy-part.ts';
import { type PartSelect, selectOf } from '../../copy/part-select.ts';
import type { Connections } from '../../sql/connection/connections.ts';
import type { SqlRows } from '../../sql/copy/sql-ends.ts';
import { idsAcrossSlices, partDialect } from './postgres-selects.ts';

/** Maximum rows taken together, and the target for the UTF-16 units of their texts. */
const rowsMax = 2_000;
const rowsMin = 10;
const charactersWanted = 4 * 1024 * 1024;

/** Reads parts of a database. */
export class PostgresRows implements SqlRows {
  readonly #connections: Connections;
  readonly #isSource: boolean;

  /** @param isSource true for the copy's source, from which all slices come together */
  constructor(connections: Connections, isSource: boolean) {
    this.#connections = connections;
    this.#isSource = isSource;
  }

  async pipelines(): Promise<readonly string[]> {
    return this.#names('SELECT pipeline FROM millrace_pipelines ORDER BY pipeline');
  }

  async tables(): Promise<readonly string[]> {
    return this.#names(
      `SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
         AND NOT starts_with(relname, 'millrace_') ORDER BY relname`,
    );
  }

  async count(part: CopyPart): Promise<number> {
    const { from, counted } = this.#select(part);
    const [found] = await this.#connections.read({ text: counted ?? `SELECT count(*) FROM ${from}`, values: [] });
    return Number(found?.rows[0]?.[0]);
  }

  /** On one snapshot, through a database cursor. */
  async read(part: CopyPart, from: number, take: TakeRows): Promise<void> {
    const { columns, order, ...select } = this.#select(part);
    const isForeign = part.kind === 'rows';
    await this.#connections.reading(async ({ run }) => {
      const text = `DECLARE millrace_copy NO SCROLL CURSOR FOR SELECT ${columns} FROM ${select.from} ORDER BY ${order} OFFSET ${from}`;
      await run({ text, values: [] });
      for (let wanted = 100; ; ) {
        const { rows } = await run({ text: `FETCH ${wanted} FROM millrace_copy`, values: [], isForeign });
        if (rows.length > 0) await take(rows.map((row) => toCopied(part, row as readonly CopiedValue[])));
        if (rows.length < wanted) return;
        wanted = nextWanted(rows);
      }
    });
  }

  async #names(text: string): Promise<readonly string[]> {
    const [found] = await this.#connections.read({ text, values: [] });
    return found?.rows.map(([name]) => String(name)) ?? [];
  }

  /** For verification the order does not matter: a log need not be sorted. */
  #select(part: CopyPart): PartSelect {
    const select = selectOf(part, partDialect);
    if (this.#isSource) return part.kind === 'ids' && !part.keepsSlices ? idsAcrossSlices(part.pipeline) : select;
    return part.kind === 'log' ? { ...select, order: 'log.slice, log.position' } : select;
  }
}

/** Returns how many rows to fetch next, so that their texts reach the target size if they are like the previous ones. */
function nextWanted(rows: readonly (readonly unknown[])[]): number {
  let characters = 1;
  for (const row of rows) for (const value of row) if (typeof value === 'string') characters += value.length;
  return Math.min(rowsMax, Math.max(rowsMin, Math.floor((rows.length * charactersWanted) / characters)));
}

const lettersAt = placeOf('log', 'letters');

/** The database writes JSON with spaces. */
function toCopied({ kind }: CopyPart, [slice, place, ...values]: readonly CopiedValue[]): CopiedRow {
  if (kind === 'log') values[lettersAt] = JSON.stringify(JSON.parse(String(values[lettersAt])));
  return { slice: Number(slice), place: Number(place), values };
}
