import { createHash } from 'node:crypto';
import { type ColumnTypes, ownTypes } from './values.ts';

export type Parameter = string | number | Buffer | null;

/** A row as the database answers it, in the order of the columns. */
export type Row = readonly unknown[];

/** A statement with its parameters. */
export interface Statement {
  readonly text: string;
  readonly values: readonly Parameter[];
  /** What the rows' values become; those of our own tables where nothing is said. */
  readonly types?: ColumnTypes;
  /** The declared table that it writes, for messages. */
  readonly table?: string;
  /** That it must be one statement, also where it has no parameters. */
  readonly isExtended?: boolean;
}

/** A statement as the driver takes it. */
interface DriverQuery {
  readonly text: string;
  readonly values: Parameter[];
  readonly types: ColumnTypes;
  readonly rowMode: 'array';
  readonly queryMode?: 'extended';
  /** Under which the connection keeps it prepared. */
  readonly name?: string;
}

const extended = { queryMode: 'extended' } as const;

const names = new Map<string, string>();

/** A name under which a connection prepares a text once. Texts are few: they vary by pipeline and table, never by values. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('base64url');
    names.set(text, name);
  }
  return name;
}

export function toQuery({ text, values, types = ownTypes, isExtended = false }: Statement, isPrepared: boolean): DriverQuery {
  const query: DriverQuery = { text, values: values as Parameter[], types, rowMode: 'array', ...(isExtended && extended) };
  return isPrepared && types === ownTypes ? { ...query, name: nameOf(text) } : query;
}
