import { type CopyPart, columnsOfKind, type PipelineKind, storedLetter } from './copy-part.ts';

/** How the rows of a part are selected: slice, place, then their values. */
export interface PartSelect {
  readonly columns: string;
  readonly from: string;
  /** A total order. */
  readonly order: string;
  /** What is counted, where that is not the rows. */
  readonly counted?: string;
}

/** The kinds that all databases keep alike. */
type PlainKind = Exclude<PipelineKind, 'log' | 'ids'>;

/** What databases write differently when the rows of a part are selected. */
export interface PartDialect {
  /** Names as the database lists them. */
  quoteAll(names: readonly string[]): string;
  /** The slice of a row of a pipeline. */
  readonly slice: string;
  /** An order of the rows of a table without a primary key, which has these columns. */
  rowPlace(columns: string): string;
  /** Where the pipelines that are paused stand. */
  readonly paused: string;
  /** Where the rows of a pipeline stand. */
  from(kind: PlainKind, pipeline: string): string;
  log(pipeline: string): PartSelect;
  ids(pipeline: string): PartSelect;
}

/** By what the rows of a pipeline are told apart. */
const keyOfKind: Readonly<Record<PlainKind, readonly string[]>> = {
  letters: ['id'],
  keys: ['key'],
  gaps: ['key'],
  causes: ['key', 'kind', 'name', 'id'],
  deliveries: ['place'],
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
      return { ...ofAll(quoteAll([part.name]), quoteAll(Object.keys(columnsOfKind.audit))), order: 'id' };
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
