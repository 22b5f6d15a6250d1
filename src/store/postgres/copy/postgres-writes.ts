import { MillraceError } from '../../../errors.ts';
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
import type { Connections } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { checkNoServer } from '../../sql/copy/no-server.ts';
import type { SqlWrites } from '../../sql/copy/sql-ends.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { Declared } from '../../sql/write/batch.ts';
import { hashOf } from '../../sql/write/commit-parts.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { texts } from '../connection/binary-arrays.ts';
import { keptTable } from '../schema/declared-tables.ts';
import { schemaVersion } from '../schema/schema.ts';
import { postgresStatements } from '../statements.ts';
import { writerOf } from '../write/declared-statements.ts';

/** Writes the rows of a copy, and takes note of how far it is. */
export class PostgresWrites implements SqlWrites {
  readonly #connections: Connections;
  readonly #name: string;

  constructor(connections: Connections, name: string) {
    this.#connections = connections;
    this.#name = name;
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

  /** Whoever has claimed a partition before has lost it. */
  async begin(fingerprint: string): Promise<void> {
    await this.#connections.writing(async ({ run }) => {
      await run({ text: 'LOCK TABLE millrace_meta IN SHARE ROW EXCLUSIVE MODE', values: [] });
      await checkNoServer({ run }, { name: this.#name, now: postgresStatements.now });
      await run({ text: 'CREATE TABLE millrace_copy (part text PRIMARY KEY, done int8 NOT NULL)', values: [] });
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
    await this.#connections.writing(async ({ run }) => {
      await run({ text: 'INSERT INTO millrace_copy VALUES ($1, 0) ON CONFLICT DO NOTHING', values: [part.name] });
      const text = 'UPDATE millrace_copy SET done = $3 WHERE part = $1 AND done = $2';
      const { count } = await run({ text, values: [part.name, before, after] });
      if (count !== 1)
        throw new MillraceError(
          'MILL_CONFLICT',
          `${this.#name}: ${part.name}: expected ${before} rows of the copy, found that another one is at work`,
        );
      if (part.kind === 'rows') await run(insert(quote(part.table.name), declaredColumns(await keptTable({ run }, part.table), rows)));
      else for (const statement of statementsOf(part, rows)) await run(statement);
    });
  }

  /** Statistics first, since without them the first queries are slow. */
  async finish(): Promise<void> {
    await this.#connections.writing(({ run }) => run({ text: 'ANALYZE', values: [] }));
    await this.#connections.writing(async ({ run }) => {
      await run({ text: 'DROP TABLE millrace_copy', values: [] });
      await run({ text: "DELETE FROM millrace_meta WHERE name = 'copy'", values: [] });
      await run({ text: "UPDATE millrace_meta SET value = $1 WHERE name = 'schema_version'", values: [String(schemaVersion)] });
    });
  }
}

/** A column that is written, and its value of each row. */
interface Column {
  readonly name: string;
  readonly type: string;
  readonly values: readonly CopiedValue[];
}

function statementsOf(part: Exclude<CopyPart, { readonly kind: 'rows' }>, rows: readonly CopiedRow[]): readonly Statement[] {
  switch (part.kind) {
    case 'inbox':
    case 'shapes':
      return [insert(part.name, columnsOfRows(columnsOfKind[part.kind], rows))];
    case 'paused':
      return [
        {
          text: 'UPDATE millrace_pipelines SET paused = true WHERE pipeline = ANY ($1::text[])',
          values: [texts(rows.map(({ values }) => String(values[0])))],
        },
      ];
    case 'log':
      return eventStatements(part.pipeline, rows);
    case 'ids': {
      const { key: _, ...columns } = columnsOfKind.ids;
      const conflict = 'ON CONFLICT (slice, id) DO UPDATE SET accepted_at = greatest(present.accepted_at, excluded.accepted_at)';
      return [insert(`${tablesOf(part.pipeline).ids} AS present`, [sliceOf(rows), ...columnsOfRows(columns, rows)], conflict)];
    }
    case 'letters':
      return [insert('millrace_dead_letters', [...partitionOf(part.pipeline, rows), ...columnsOfRows(storedLetter, rows)])];
    case 'keys':
    case 'gaps':
    case 'causes':
    case 'deliveries': {
      const columns = [...partitionOf(part.pipeline, rows), ...columnsOfRows(columnsOfKind[part.kind], rows), ...hashesOf(part.kind, rows)];
      return [insert(`millrace_${part.kind}`, columns)];
    }
  }
}

/** Events at their new positions, with the held ones, the dead letters that are about them, and the cursors up to the settled ones. */
function eventStatements(pipeline: string, rows: readonly CopiedRow[]): readonly Statement[] {
  const { settled: _, held_attempts: _1, held_retry_at: _2, letters: _3, ...columns } = columnsOfKind.log;
  const orderOf = ({ values, place }: CopiedRow) => cellOf('log', 'number', values) ?? place;
  const valuesOf = (column: keyof typeof columnsOfKind.log, some: readonly CopiedRow[]) =>
    some.map(({ values }) => cellOf('log', column, values));
  const events = insert(tablesOf(pipeline).log, [
    sliceOf(rows),
    { name: 'position', type: 'int8', values: rows.map(({ place }) => place) },
    ...columnsOfRows(columns, rows),
    { name: 'flight', type: 'int8', values: rows.map(() => 0) },
  ]);
  const held = rows.filter(({ values }) => cellOf('log', 'held_attempts', values) !== null);
  const holds = insert('millrace_held', [
    ...partitionOf(pipeline, held),
    { name: 'key', type: 'text', values: valuesOf('key', held) },
    { name: 'order', type: 'int8', values: held.map(orderOf) },
    { name: 'position', type: 'int8', values: held.map(({ place }) => place) },
    { name: 'attempts', type: 'int4', values: valuesOf('held_attempts', held) },
    { name: 'retry_at', type: 'int8', values: valuesOf('held_retry_at', held) },
  ]);
  const letters = rows.flatMap((row) => {
    const ids: readonly string[] = JSON.parse(String(cellOf('log', 'letters', row.values)));
    return ids.map((id) => ({ id, position: row.place, order: orderOf(row) }));
  });
  const pointed: Statement = {
    text: `UPDATE millrace_dead_letters AS letter SET position = event.position::int8, "order" = event."order"::int8
      FROM unnest($1::text[], $2::text[], $3::text[]) AS event (id, position, "order") WHERE letter.id = event.id`,
    values: [
      texts(letters.map(({ id }) => id)),
      texts(letters.map(({ position }) => String(position))),
      texts(letters.map(({ order }) => String(order))),
    ],
  };
  return [events, ...(held.length > 0 ? [holds] : []), ...(letters.length > 0 ? [pointed] : []), ...cursorStatements(pipeline, rows)];
}

function cursorStatements(pipeline: string, rows: readonly CopiedRow[]): readonly Statement[] {
  const cursors = new Map<number, number>();
  for (const { slice, place, values } of rows) if (cellOf('log', 'settled', values) === 1) cursors.set(slice, place);
  if (cursors.size === 0) return [];
  const slices = texts(Array.from(cursors.keys(), String));
  return [
    {
      text: 'DELETE FROM millrace_cursors WHERE pipeline = $1 AND slice = ANY ($2::text[]::int4[])',
      values: [pipeline, slices],
    },
    {
      text: 'INSERT INTO millrace_cursors SELECT $1, slice::int4, cursor::int8 FROM unnest($2::text[], $3::text[]) AS settled (slice, cursor)',
      values: [pipeline, slices, texts(Array.from(cursors.values(), String))],
    },
  ];
}

function columnsOfRows(columns: Readonly<Record<string, string>>, rows: readonly CopiedRow[]): readonly Column[] {
  return Object.entries(columns).map(([name, type], at) => ({ name, type, values: rows.map(({ values }) => values[at] ?? null) }));
}

function declaredColumns({ columns }: Declared, rows: readonly CopiedRow[]): readonly Column[] {
  return columns.map((column, at) => {
    const toText = writerOf(column);
    const textOf = (value: CopiedValue) => (value === null ? null : toText(value));
    return { name: column.name, type: column.type, values: rows.map(({ values }) => textOf(values[at] ?? null)) };
  });
}

function sliceOf(rows: readonly CopiedRow[]): Column {
  return { name: 'slice', type: 'int4', values: rows.map(({ slice }) => slice) };
}

function partitionOf(pipeline: string, rows: readonly CopiedRow[]): readonly Column[] {
  return [{ name: 'pipeline', type: 'text', values: rows.map(() => pipeline) }, sliceOf(rows)];
}

/** What stands in keys for names that may be too long. */
function hashesOf(kind: PipelineKind, rows: readonly CopiedRow[]): readonly Column[] {
  const hash = (name: string) => `\\x${hashOf(name).toString('hex')}`;
  if (kind === 'causes') {
    const nameOf = ({ values }: CopiedRow) =>
      JSON.stringify((['key', 'kind', 'name', 'id'] as const).map((name) => cellOf('causes', name, values)));
    return [{ name: 'name_hash', type: 'bytea', values: rows.map((row) => hash(nameOf(row))) }];
  }
  if (kind === 'deliveries')
    return [{ name: 'id_hash', type: 'bytea', values: rows.map(({ values }) => hash(String(cellOf('deliveries', 'id', values)))) }];
  return [];
}

/** Adds the rows in their order. Values come as texts, and become what the column is. */
function insert(table: string, columns: readonly Column[], conflict = ''): Statement {
  const selected = columns.map(({ type }, at) => `new.c${at}::${type}`);
  const arrays = columns.map((_, at) => `$${at + 1}::text[]`);
  const names = columns.map((_, at) => `c${at}`);
  return {
    text: `INSERT INTO ${table} (${quoteAll(columns.map(({ name }) => name))}) SELECT ${selected.join(', ')}
      FROM unnest(${arrays.join(', ')}) WITH ORDINALITY AS new (${names.join(', ')}, nth) ORDER BY new.nth ${conflict}`,
    values: columns.map(({ values }) => texts(values.map((value) => (value === null ? null : String(value))))),
  };
}
