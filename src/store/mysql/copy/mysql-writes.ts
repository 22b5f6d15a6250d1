import { MillraceError } from '../../../errors.ts';
import type { Table } from '../../../pipeline/table.ts';
import type { BegunCopy } from '../../copy/copy-ends.ts';
import { type CopiedRow, type CopyPart, cellOf, columnsOfKind, type PipelineKind, storedLetter } from '../../copy/copy-part.ts';
import { copying } from '../../copy/unfinished-copy.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { checkNoServer } from '../../sql/copy/no-server.ts';
import type { SqlWrites } from '../../sql/copy/sql-ends.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import { type Column, column } from '../../sql/write/columns.ts';
import { hashOf } from '../../sql/write/commit-parts.ts';
import { quote } from '../../tables/sql-text.ts';
import type { MysqlConnections } from '../connection/connections.ts';
import { momentText } from '../connection/moments.ts';
import { now } from '../lease/now.ts';
import { columnsOf } from '../schema/column-types.ts';
import { schemaVersion } from '../schema/schema.ts';
import { insertsOf, withOriginHash } from '../write/inserts.ts';

/** Writes the rows of a copy, and takes note of how far it is. */
export class MysqlWrites implements SqlWrites {
  readonly #connections: MysqlConnections;
  readonly #name: string;

  constructor(connections: MysqlConnections) {
    this.#connections = connections;
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
        const text = `SELECT slice, MAX(position) FROM ${tablesOf(pipeline).log} GROUP BY slice`;
        const [heads] = await this.#connections.read({ text, values: [] });
        return new Map(heads?.rows.map(([slice, head]) => [Number(slice), Number(head)]));
      },
    };
  }

  /** Whoever has claimed a partition before has lost it. The table comes first: it commits by itself, and says nothing while it is alone. */
  async begin(fingerprint: string): Promise<void> {
    const table = 'CREATE TABLE IF NOT EXISTS millrace_copy (part VARBINARY(255) PRIMARY KEY, done BIGINT NOT NULL) ENGINE = InnoDB';
    await this.#connections.writing(({ run }) => run({ text: table, values: [] }));
    await this.#connections.writing(async ({ run }) => {
      await run({ text: "SELECT value FROM millrace_meta WHERE name = 'schema_version' FOR UPDATE", values: [] });
      await checkNoServer({ run }, { name: this.#name, now });
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
    await this.#connections.writing(async ({ run }) => {
      await run({ text: 'INSERT INTO millrace_copy VALUES ($1, 0) ON DUPLICATE KEY UPDATE part = VALUES(part)', values: [part.name] });
      const text = 'UPDATE millrace_copy SET done = $3 WHERE part = $1 AND done = $2';
      const { count } = await run({ text, values: [part.name, before, after] });
      if (count !== 1)
        throw new MillraceError(
          'MILL_CONFLICT',
          `${this.#name}: ${part.name}: expected ${before} rows of the copy, found that another one is at work`,
        );
      for (const statement of statementsOf(part, rows)) await run(statement);
    });
  }

  /** What opens the database comes first: a table that is left over says nothing. */
  async finish(): Promise<void> {
    await this.#connections.writing(async ({ run }) => {
      await run({ text: "DELETE FROM millrace_meta WHERE name = 'copy'", values: [] });
      await run({ text: "UPDATE millrace_meta SET value = $1 WHERE name = 'schema_version'", values: [String(schemaVersion)] });
    });
    await this.#connections.writing(({ run }) => run({ text: 'DROP TABLE IF EXISTS millrace_copy', values: [] }));
  }
}

function statementsOf(part: CopyPart, rows: readonly CopiedRow[]): readonly Statement[] {
  switch (part.kind) {
    case 'rows':
      return insertsOf(quote(part.table.name), declaredColumns(part.table, rows));
    case 'inbox':
    case 'shapes':
      return insertsOf(part.name, columnsOfRows(Object.keys(columnsOfKind[part.kind]), rows));
    case 'paused':
      return [
        {
          text: 'UPDATE millrace_pipelines SET paused = 1 WHERE pipeline IN $1',
          values: [rows.map(({ values }) => String(values[0]))],
        },
      ];
    case 'log':
      return eventStatements(part.pipeline, rows);
    case 'ids': {
      const columns = [sliceOf(rows), ...columnsOfRows(['id', 'accepted_at'], rows)];
      return insertsOf(tablesOf(part.pipeline).ids, columns, newest);
    }
    case 'letters':
      return insertsOf(
        'millrace_dead_letters',
        withOriginHash([...partitionOf(part.pipeline, rows), ...columnsOfRows(Object.keys(storedLetter), rows)]),
      );
    case 'keys':
    case 'gaps':
    case 'causes':
    case 'deliveries': {
      const columns = columnsOfRows(Object.keys(columnsOfKind[part.kind]), rows);
      return insertsOf(`millrace_${part.kind}`, [...partitionOf(part.pipeline, rows), ...columns, ...hashesOf(part.kind, rows)]);
    }
  }
}

const newest = 'ON DUPLICATE KEY UPDATE accepted_at = GREATEST(accepted_at, VALUES(accepted_at))';

/** Events at their new positions, with the held ones, the dead letters that are about them, and the cursors up to the settled ones. */
function eventStatements(pipeline: string, rows: readonly CopiedRow[]): readonly Statement[] {
  const cell = (name: keyof typeof columnsOfKind.log) => (row: CopiedRow) => cellOf('log', name, row.values) as Column['values'][number];
  const orderOf = (row: CopiedRow) => cell('number')(row) ?? row.place;
  const names = ['key', 'id', 'number', 'accepted_at', 'body', 'traceparent', 'origin'] as const;
  const events = insertsOf(
    tablesOf(pipeline).log,
    withOriginHash([
      sliceOf(rows),
      column('position', 'int8', rows, ({ place }) => place),
      ...names.map((name) => column(name, 'text', rows, cell(name))),
      column('flight', 'int8', rows, () => 0),
    ]),
  );
  const held = rows.filter((row) => cell('held_attempts')(row) !== null);
  const holds = insertsOf('millrace_held', [
    ...partitionOf(pipeline, held),
    column('key', 'text', held, cell('key')),
    column('order', 'int8', held, orderOf),
    column('position', 'int8', held, ({ place }) => place),
    column('attempts', 'int4', held, cell('held_attempts')),
    column('retry_at', 'int8', held, cell('held_retry_at')),
  ]);
  const letters = rows.flatMap((row) => {
    const ids: readonly string[] = JSON.parse(String(cell('letters')(row)));
    return ids.map((id) => ({
      text: 'UPDATE millrace_dead_letters SET position = $2, "order" = $3 WHERE id = $1',
      values: [id, row.place, Number(orderOf(row))],
    }));
  });
  return [...events, ...holds, ...letters, ...cursorStatements(pipeline, rows)];
}

function cursorStatements(pipeline: string, rows: readonly CopiedRow[]): readonly Statement[] {
  const cursors = new Map<number, number>();
  for (const { slice, place, values } of rows) if (cellOf('log', 'settled', values) === 1) cursors.set(slice, place);
  return Array.from(cursors, ([slice, cursor]) => [
    { text: 'DELETE FROM millrace_cursors WHERE pipeline = $1 AND slice = $2', values: [pipeline, slice] },
    { text: 'INSERT INTO millrace_cursors VALUES ($1, $2, $3)', values: [pipeline, slice, cursor] },
  ]).flat();
}

/** Values are written as they are: the database makes of them what the column is. */
function columnsOfRows(names: readonly string[], rows: readonly CopiedRow[]): readonly Column[] {
  return names.map((name, at) => column(name, 'text', rows, ({ values }) => (values[at] ?? null) as Column['values'][number]));
}

function declaredColumns(table: Table, rows: readonly CopiedRow[]): readonly Column[] {
  const moments = new Set(columnsOf(table).flatMap(({ name, moment }) => (moment ? [name] : [])));
  const written = (value: Column['values'][number]) => (typeof value === 'string' ? momentText(value) : value);
  return columnsOfRows(Object.keys(table.columns), rows).map((one) =>
    moments.has(one.name) ? { ...one, values: one.values.map(written) } : one,
  );
}

function sliceOf(rows: readonly CopiedRow[]): Column {
  return column('slice', 'int4', rows, ({ slice }) => slice);
}

function partitionOf(pipeline: string, rows: readonly CopiedRow[]): readonly Column[] {
  return [column('pipeline', 'text', rows, () => pipeline), sliceOf(rows)];
}

/** What stands in keys for names that may be too long. */
function hashesOf(kind: PipelineKind, rows: readonly CopiedRow[]): readonly Column[] {
  if (kind === 'causes') {
    const nameOf = ({ values }: CopiedRow) =>
      JSON.stringify((['key', 'kind', 'name', 'id'] as const).map((name) => cellOf('causes', name, values)));
    return [column('name_hash', 'bytes', rows, (row) => hashOf(nameOf(row)))];
  }
  if (kind === 'deliveries') return [column('id_hash', 'bytes', rows, ({ values }) => hashOf(String(cellOf('deliveries', 'id', values))))];
  return [];
}
