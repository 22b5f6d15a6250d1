import { MillraceError } from '../../../errors.ts';
import { blocksOf, headOf } from '../../copy/block-lines.ts';
import type { BegunCopy } from '../../copy/copy-ends.ts';
import {
  type CopiedRow,
  type CopiedValue,
  type CopyPart,
  cellOf,
  columnsOfKind,
  type PipelineKind,
  storedLetter,
} from '../../copy/copy-part.ts';
import { copying } from '../../copy/unfinished-copy.ts';
import { type Connections, runFlight, type Transaction } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import { type Column, type ColumnKind, type ColumnValue, column } from '../write/columns.ts';
import { hashOf } from '../write/commit-parts.ts';
import type { CopyDialect } from './copy-dialect.ts';
import { checkNoServer } from './no-server.ts';

/** Writes the rows of a copy, and records its progress. */
export class SqlWrites {
  readonly #connections: Connections;
  readonly #dialect: CopyDialect;
  readonly #name: string;

  constructor(connections: Connections, dialect: CopyDialect) {
    this.#connections = connections;
    this.#dialect = dialect;
    this.#name = connections.options.name;
  }

  async begun(): Promise<BegunCopy | undefined> {
    const [meta] = await this.#connections.read({ text: "SELECT value FROM millrace_meta WHERE name = 'copy'", values: [] });
    const fingerprint = meta?.rows[0]?.[0];
    if (fingerprint === undefined) return undefined;
    const [done] = await this.#connections.read({ text: 'SELECT part, done FROM millrace_copy', values: [] });
    return {
      fingerprint: String(fingerprint),
      done: new Map(done?.rows.map(([part, rows]) => [String(part), Number(rows)])),
      heads: async (pipeline) => {
        const text = `SELECT slice, max(position) FROM ${tablesOf(pipeline).log} GROUP BY slice`;
        const [heads] = await this.#connections.read({ text, values: [] });
        return new Map(heads?.rows.map(([slice, head]) => [Number(slice), Number(head)]));
      },
    };
  }

  /** Earlier claims of partitions become void. The table comes first: it may commit by itself, and means nothing alone. */
  async begin(fingerprint: string): Promise<void> {
    const { progress, lock, statements } = this.#dialect;
    const table = `CREATE TABLE IF NOT EXISTS millrace_copy (${progress})`;
    await this.#connections.writing(({ run }) => run({ text: table, values: [] }));
    await this.#connections.writing(async ({ run }) => {
      await run({ text: lock, values: [] });
      await checkNoServer({ run }, { name: this.#name, now: statements.now });
      await run({ text: 'DELETE FROM millrace_copy', values: [] });
      await run({ text: 'UPDATE millrace_fences SET epoch = epoch + 1, owner = NULL', values: [] });
      await run({ text: 'DELETE FROM millrace_state_shapes', values: [] });
      await run({ text: "UPDATE millrace_meta SET value = $1 WHERE name = 'schema_version'", values: [copying] });
      await run({ text: "INSERT INTO millrace_meta (name, value) VALUES ('copy', $1)", values: [fingerprint] });
    });
  }

  async write(
    part: CopyPart,
    rows: readonly CopiedRow[],
    { before, after }: { readonly before: number; readonly after: number },
  ): Promise<void> {
    const { writes } = this.#dialect.statements;
    await this.#connections.writing(async (transaction) => {
      const known = new Flight();
      const columns = [column('part', 'text', [part], ({ name }) => name), column('done', 'int8', [0], (none) => none)];
      writes.addUpsert(known, { table: 'millrace_copy', key: ['part'], columns, changed: ['part'] });
      await runFlight(transaction, known);
      const text = 'UPDATE millrace_copy SET done = $3 WHERE part = $1 AND done = $2';
      const { count } = await transaction.run({ text, values: [part.name, before, after] });
      if (count !== 1)
        throw new MillraceError(
          'MILL_CONFLICT',
          `${this.#name}: ${part.name}: expected ${before} rows of the copy, found more: another copy is running`,
        );
      await runFlight(transaction, await this.#flightOf(transaction, part, rows));
    });
  }

  /** The database is opened before the table goes: a leftover table means nothing. */
  async finish(): Promise<void> {
    const { analyze, schemaVersion } = this.#dialect;
    if (analyze !== undefined) await this.#connections.writing(({ run }) => run({ text: analyze, values: [] }));
    await this.#connections.writing(async ({ run }) => {
      await run({ text: "DELETE FROM millrace_meta WHERE name = 'copy'", values: [] });
      await run({ text: "UPDATE millrace_meta SET value = $1 WHERE name = 'schema_version'", values: [String(schemaVersion)] });
    });
    await this.#connections.writing(({ run }) => run({ text: 'DROP TABLE IF EXISTS millrace_copy', values: [] }));
  }

  async #flightOf(transaction: Transaction, part: CopyPart, rows: readonly CopiedRow[]): Promise<Flight> {
    const { writes, isAmong, texts } = this.#dialect.statements;
    const flight = new Flight();
    switch (part.kind) {
      case 'rows':
        for (const statement of await this.#dialect.rows(transaction, part.table, rows)) flight.add(statement);
        break;
      case 'audit':
      case 'operations':
      case 'inbox':
      case 'offsets':
      case 'shapes':
        writes.addInsert(flight, part.name, columnsOfRows(columnsOfKind[part.kind], rows));
        break;
      case 'paused': {
        const names = rows.map(({ values }) => String(values[0]));
        const text = `UPDATE millrace_pipelines SET paused = true WHERE ${isAmong('pipeline', '$1')}`;
        flight.add({ text, values: [texts(names)] });
        break;
      }
      case 'log':
        this.#addEvents(flight, part.pipeline, rows);
        break;
      case 'ids': {
        const { key: _, ...columns } = columnsOfKind.ids;
        writes.addInsert(flight, tablesOf(part.pipeline).ids, [sliceOf(rows), ...columnsOfRows(columns, rows)]);
        break;
      }
      case 'letters':
        writes.addInsert(flight, 'millrace_dead_letters', [...partitionOf(part.pipeline, rows), ...columnsOfRows(storedLetter, rows)]);
        break;
      case 'blocks':
        await this.#addBlocks(transaction, flight, { pipeline: part.pipeline, rows });
        break;
      default: {
        const columns = columnsOfRows(columnsOfKind[part.kind], rows);
        const all = [...partitionOf(part.pipeline, rows), ...columns, ...hashesOf(part.kind, rows)];
        writes.addInsert(flight, `millrace_${part.kind}`, all);
      }
    }
    return flight;
  }

  /** Adds the lines of blocks. Those of the first block may follow others that are there. */
  async #addBlocks(
    { run }: Transaction,
    flight: Flight,
    { pipeline, rows }: { readonly pipeline: string; readonly rows: readonly CopiedRow[] },
  ): Promise<void> {
    const blocks = blocksOf(rows);
    const [first] = blocks;
    if (first === undefined) return;
    const slices = blocks.filter(({ place }) => place === first.place).map(({ slice }) => slice);
    const begun = `millrace_blocks WHERE pipeline = $1 AND slice IN (${slices.join(', ')}) AND block = $2`;
    const values = [pipeline, first.place];
    const there = new Map(
      (await run({ text: `SELECT slice, text FROM ${begun}`, values })).rows.map(([slice, text]) => [Number(slice), text]),
    );
    if (there.size > 0) await run({ text: `DELETE FROM ${begun}`, values });
    const headed = ({ slice, place }: CopiedRow) => (place === first.place ? there.get(slice) : undefined) ?? headOf(place);
    this.#dialect.statements.writes.addInsert(flight, 'millrace_blocks', [
      ...partitionOf(pipeline, blocks),
      column('block', 'int8', blocks, ({ place }) => place),
      column('text', 'text', blocks, (block) => `${headed(block)}${block.values[0]}`),
    ]);
  }

  /** Adds events at their new positions, with the held ones, their dead letters, and the cursors up to the settled ones. */
  #addEvents(flight: Flight, pipeline: string, rows: readonly CopiedRow[]): void {
    const { writes } = this.#dialect.statements;
    const { settled: _, held_attempts: _1, held_retry_at: _2, letters: _3, ...columns } = columnsOfKind.log;
    writes.addInsert(flight, tablesOf(pipeline).log, [
      sliceOf(rows),
      column('position', 'int8', rows, ({ place }) => place),
      ...columnsOfRows(columns, rows),
      column('flight', 'int8', rows, () => 0),
    ]);
    const held = rows.filter(({ values }) => cellOf('log', 'held_attempts', values) !== null);
    if (held.length > 0) writes.addInsert(flight, 'millrace_held', [...partitionOf(pipeline, held), ...holdsOf(held)]);
    const letters = rows.flatMap((row) => {
      const ids: readonly string[] = JSON.parse(String(cellOf('log', 'letters', row.values)));
      return ids.map((id) => ({ id, position: row.place, order: orderOf(row) }));
    });
    if (letters.length > 0)
      flight.add(
        this.#dialect.letters([
          column('id', 'text', letters, ({ id }) => id),
          column('position', 'int8', letters, ({ position }) => position),
          column('order', 'int8', letters, ({ order }) => order),
        ]),
      );
    const cursors = new Map<number, number>();
    for (const { slice, place, values } of rows) if (cellOf('log', 'settled', values) === 1) cursors.set(slice, place);
    if (cursors.size === 0) return;
    const moved = Array.from(cursors);
    const text = `DELETE FROM millrace_cursors WHERE pipeline = $1 AND slice IN (${Array.from(cursors.keys()).join(', ')})`;
    flight.add({ text, values: [pipeline] });
    writes.addInsert(flight, 'millrace_cursors', [
      column('pipeline', 'text', moved, () => pipeline),
      column('slice', 'int4', moved, ([slice]) => slice),
      column('cursor', 'int8', moved, ([, cursor]) => cursor),
    ]);
  }
}

function holdsOf(held: readonly CopiedRow[]): readonly Column[] {
  const cell = (name: 'key' | 'held_attempts' | 'held_retry_at') => (row: CopiedRow) => cellOf('log', name, row.values) as ColumnValue;
  return [
    column('key', 'text', held, cell('key')),
    column('order', 'int8', held, orderOf),
    column('position', 'int8', held, ({ place }) => place),
    column('attempts', 'int4', held, cell('held_attempts')),
    column('retry_at', 'int8', held, cell('held_retry_at')),
  ];
}

/** Returns an event's number, or its position if it has none. */
function orderOf({ values, place }: CopiedRow): number {
  return Number(cellOf('log', 'number', values) ?? place);
}

/** Returns the columns of rows of a kind. The engine's own columns hold no number that JavaScript cannot hold exactly. */
function columnsOfRows(columns: Readonly<Record<string, Exclude<ColumnKind, 'bytes'>>>, rows: readonly CopiedRow[]): readonly Column[] {
  return Object.entries(columns).map(([name, kind], at) => column(name, kind, rows, ({ values }) => storedValue(kind, values[at] ?? null)));
}

function storedValue(kind: ColumnKind, value: CopiedValue): ColumnValue {
  if (value === null || kind === 'text') return value as string | null;
  return kind === 'bool' ? value === 1 : Number(value);
}

function sliceOf(rows: readonly CopiedRow[]): Column {
  return column('slice', 'int4', rows, ({ slice }) => slice);
}

function partitionOf(pipeline: string, rows: readonly CopiedRow[]): readonly Column[] {
  return [column('pipeline', 'text', rows, () => pipeline), sliceOf(rows)];
}

/** Returns the hashes that key names which may be too long. */
function hashesOf(kind: PipelineKind, rows: readonly CopiedRow[]): readonly Column[] {
  if (kind === 'causes') {
    const nameOf = ({ values }: CopiedRow) =>
      JSON.stringify((['key', 'kind', 'name', 'id'] as const).map((name) => cellOf('causes', name, values)));
    return [column('name_hash', 'bytes', rows, (row) => hashOf(nameOf(row)))];
  }
  if (kind === 'deliveries') return [column('id_hash', 'bytes', rows, ({ values }) => hashOf(String(cellOf('deliveries', 'id', values))))];
  return [];
}
