import { type CopyPart, columnsOfKind, type PipelineKind, storedLetter } from './copy-part.ts';

/** The query for the rows of a part: slice, place, then their values. */
export interface PartSelect {
  readonly columns: string;
  readonly from: string;
  /** A total order. */
  readonly order: string;
  /** The expression to count, if not rows. */
  readonly counted?: string;
}

/** The kinds that all databases store alike. */
type PlainKind = Exclude<PipelineKind, 'log' | 'ids'>;

/** Differences between databases in selecting the rows of a part. */
export interface PartDialect {
  /** Quotes names as a list for the database. */
  quoteAll(names: readonly string[]): string;
  /** The slice of a pipeline's row. */
  readonly slice: string;
  /** Returns an order for the rows of a table with these columns and no primary key. */
  rowPlace(columns: string): string;
  /** The source of the paused pipelines. */
  readonly paused: string;
  /** Returns the source of a pipeline's rows. */
  from(kind: PlainKind, pipeline: string): string;
  log(pipeline: string): PartSelect;
  ids(pipeline: string): PartSelect;
}

/** The columns that identify the rows of a pipeline. */
const keyOfKind: Readonly<Record<PlainKind, readonly string[]>> = {
  letters: ['id'],
  keys: ['key'],
  gaps: ['key'],
  causes: ['key', 'kind', 'name', 'id'],
  deliveries: ['place'],
  // Blocks of one number come together: their keys may come into one slice.
  blocks: ['block', 'slice'],
  key_blocks: ['key', 'block'],
};

export function selectOf(part: CopyPart, dialect: PartDialect): PartSelect {
  const { quoteAll, rowPlace, paused } = dialect;
  switch (part.kind) {
    case 'rows': {
      const { name, columns, primaryKey } = part.table;
      const all = quoteAll(Object.keys(columns));
      const order = primaryKey.length > 0 ? quoteAll(primaryKey) : rowPlace(all);
      return { columns: `0, 0, ${all}`, from: quoteAll([name]), order };
    }
    case 'shapes':
      return ofAll(quoteAll([part.name]), quoteAll(Object.keys(columnsOfKind.shapes)));
    case 'offsets':
      return ofAll(quoteAll([part.name]), quoteAll(Object.keys(columnsOfKind.offsets)));
    case 'audit':
    case 'operations':
      return { ...ofAll(quoteAll([part.name]), quoteAll(Object.keys(columnsOfKind[part.kind]))), order: 'id' };
    case 'inbox':
      return { ...ofAll(quoteAll([part.name]), quoteAll(Object.keys(columnsOfKind.inbox))), order: 'place' };
    case 'paused':
      return ofAll(paused, quoteAll(Object.keys(columnsOfKind.paused)));
    case 'log':
      return dialect.log(part.pipeline);
    case 'ids':
      return dialect.ids(part.pipeline);
    default:
      return ofPipeline(part.kind, part.pipeline, dialect);
  }
}

function ofAll(from: string, columns: string): PartSelect {
  return { columns: `0, 0, ${columns}`, from, order: columns };
}

function ofPipeline(kind: PlainKind, pipeline: string, { quoteAll, slice, from }: PartDialect): PartSelect {
  const order = quoteAll(keyOfKind[kind]);
  const place = kind === 'deliveries' ? `row_number() OVER (ORDER BY ${order})` : '0';
  const values =
    kind === 'letters' ? `${quoteAll(Object.keys(storedLetter))}, position IS NOT NULL` : quoteAll(Object.keys(columnsOfKind[kind]));
  return { columns: `${slice}, ${place}, ${values}`, from: from(kind, pipeline), order };
}
