import { createHash } from 'node:crypto';
import type { Statement } from '../../sql/connection/statement.ts';
import { type ColumnTypes, foundTypes, ownTypes } from './values.ts';

/** A statement in the driver's form. */
interface DriverQuery {
  readonly text: string;
  readonly values: (string | number | Buffer | null)[];
  readonly types: ColumnTypes;
  readonly rowMode: 'array';
  readonly queryMode?: 'extended';
  /** The name under which the connection keeps it prepared. */
  readonly name?: string;
}

const extended = { queryMode: 'extended' } as const;

const names = new Map<string, string>();

/** Returns the name under which a connection prepares a text once. Texts are few: they vary by pipeline and table, never by values. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('base64url');
    names.set(text, name);
  }
  return name;
}

export function toQuery({ text, values, isForeign = false, isSingle = false }: Statement, isPrepared: boolean): DriverQuery {
  const types = isForeign ? foundTypes : ownTypes;
  const query: DriverQuery = { text, values: values as DriverQuery['values'], types, rowMode: 'array', ...(isSingle && extended) };
  return isPrepared && !isForeign ? { ...query, name: nameOf(text) } : query;
}
