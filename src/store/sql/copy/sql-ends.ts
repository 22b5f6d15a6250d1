import { MillraceError } from '../../../errors.ts';
import type { BegunCopy, CopySource, CopyTarget, EventPlace, PlacedEvent, TakeRows } from '../../copy/copy-ends.ts';
import type { CopiedRow, CopyPart } from '../../copy/copy-part.ts';
import type { Connections } from '../connection/connections.ts';
import { placementName } from '../schema/placements.ts';
import type { CopyDialect } from './copy-dialect.ts';
import type { SqlWrites } from './sql-writes.ts';

/** Sorting or counting a log may take long, and nobody waits for it. In milliseconds. */
export const statementTimeoutMs = 60 * 60_000;

/** Reads parts of a database. */
export interface SqlRows {
  pipelines(): Promise<readonly string[]>;
  tables(): Promise<readonly string[]>;
  count(part: CopyPart): Promise<number>;
  read(part: CopyPart, from: number, take: TakeRows): Promise<void>;
}

/** The parts of an end. */
interface EndMeans {
  readonly connections: Connections;
  readonly rows: SqlRows;
  readonly slices: number;
}

/** A database on which no server may work meanwhile. */
class SqlEnd {
  readonly name: string;
  readonly slices: number;
  protected readonly connections: Connections;
  readonly #rows: SqlRows;

  constructor({ connections, rows, slices }: EndMeans) {
    this.name = connections.options.name;
    this.slices = slices;
    this.connections = connections;
    this.#rows = rows;
  }

  pipelines(): Promise<readonly string[]> {
    return this.guarded(this.#rows.pipelines());
  }

  async placementOf(pipeline: string): Promise<string | undefined> {
    const statement = { text: 'SELECT value FROM millrace_meta WHERE name = $1', values: [placementName(pipeline)] };
    const [found] = await this.guarded(this.connections.read(statement));
    return this.slices === 1 || found?.rows[0] === undefined ? undefined : String(found.rows[0][0]);
  }

  tables(): Promise<readonly string[]> {
    return this.guarded(this.#rows.tables());
  }

  count(part: CopyPart): Promise<number> {
    return this.guarded(this.#rows.count(part));
  }

  read(part: CopyPart, from: number, take: TakeRows): Promise<void> {
    return this.guarded(this.#rows.read(part, from, take));
  }

  async close(): Promise<void> {
    await this.connections.close();
  }

  protected async guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.connections.errors.toStoreError(error, this.name);
    }
  }
}

export class SqlSource extends SqlEnd implements CopySource {
  readonly #dialect: CopyDialect;

  constructor(means: EndMeans, dialect: CopyDialect) {
    super(means);
    this.#dialect = dialect;
  }

  /** Every claim of a partition raises its epoch, and so does its end. */
  async epochs(): Promise<string> {
    const text = 'SELECT pipeline, slice, epoch FROM millrace_fences ORDER BY pipeline, slice';
    const [found] = await this.guarded(this.connections.read({ text, values: [] }));
    return JSON.stringify(found?.rows);
  }

  async eventsAt(pipeline: string, places: readonly EventPlace[]): Promise<readonly PlacedEvent[]> {
    const statement = this.#dialect.statements.reads.events(pipeline, places, 'id, number, accepted_at');
    const [found] = await this.guarded(this.connections.read(statement));
    return (found?.rows ?? []).map(([slice, position, id, number, acceptedAt]) => ({
      slice: Number(slice),
      position: Number(position),
      id: String(id),
      number: number === null ? null : Number(number),
      acceptedAt: Number(acceptedAt),
    }));
  }
}

export class SqlTarget extends SqlEnd implements CopyTarget {
  readonly #writes: SqlWrites;

  constructor(means: EndMeans, writes: SqlWrites) {
    super(means);
    this.#writes = writes;
  }

  begun(): Promise<BegunCopy | undefined> {
    return this.guarded(this.#writes.begun());
  }

  begin(fingerprint: string): Promise<void> {
    return this.guarded(this.#writes.begin(fingerprint));
  }

  async write(part: CopyPart, rows: readonly CopiedRow[], done: { readonly before: number; readonly after: number }): Promise<void> {
    const { errors } = this.connections;
    try {
      await this.#writes.write(part, rows, done);
    } catch (error) {
      // A refusal here means a value that the database cannot hold.
      const isRefused = error instanceof MillraceError && error.code === 'MILL_COMMIT_REFUSED';
      if (!isRefused && !errors.isValueFault(error)) throw errors.toStoreError(error, this.name);
      const { message } = error as Error;
      throw new MillraceError('MILL_COMMIT_REFUSED', `${this.name}: ${part.name}: the database cannot hold a row: ${message}`, {
        cause: error,
      });
    }
  }

  finish(): Promise<void> {
    return this.guarded(this.#writes.finish());
  }
}
