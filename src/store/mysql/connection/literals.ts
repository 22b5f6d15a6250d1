import { MillraceError } from '../../../errors.ts';
import type { FoundValue } from '../../../pipeline/table.ts';
import type { Parameter, Statement } from '../../sql/connection/statement.ts';
import type { ColumnValue } from '../../sql/write/columns.ts';

/*
 * Formats values as SQL literals. A flight is one text of many statements, which the server accepts only without parameters. Sessions do
 * not set NO_BACKSLASH_ESCAPES (`session.ts`), so a backslash is doubled, and their character set is utf8mb4, in which no byte of a
 * character looks like a quote.
 */

const special = /[\\'\0]/g;
const written: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "''", '\0': '\\0' };

/** Formats a parameter or a column value as an SQL literal. A list is parenthesised, as IN expects. */
export function literal(value: Parameter | ColumnValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replace(special, (character) => written[character] ?? '')}'`;
  if (typeof value === 'number') return numeral(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (Buffer.isBuffer(value)) return `x'${value.toString('hex')}'`;
  // An empty list matches nothing, and SQL has no syntax for it.
  return value.length === 0 ? '(NULL)' : `(${value.map(literal).join(', ')})`;
}

function numeral(value: number): string {
  if (Number.isFinite(value)) return String(value);
  throw new MillraceError('MILL_COMMIT_REFUSED', `expected a number that the database can hold, found ${value}`);
}

/** Names, texts, and parameters: anything in quotes is not a parameter. */
const numbered = /"(?:[^"]|"")*"|'(?:[^'\\]|\\.|'')*'|\$(\d+)/gs;

/** Returns the text of a statement with its values in place of `$1`, `$2`, …. */
export function textOf({ text, values }: Statement): string {
  if (values.length === 0) return text;
  const literals = values.map(literal);
  return text.replace(numbered, (found, nth: string | undefined) => (nth === undefined ? found : (literals[Number(nth) - 1] ?? found)));
}

/** The same for a user statement, which may also have comments and names in backticks. */
const questioned = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|--\s[^\n]*|#[^\n]*|\/\*.*?\*\/|\?/gs;

/** Returns a user statement with its parameters in place of `?`. Throws `MILL_INVALID_REQUEST` if their number differs. */
export function withParameters(sql: string, parameters: readonly FoundValue[]): string {
  let next = 0;
  const text = sql.replace(questioned, (found) => {
    if (found !== '?') return found;
    const value = parameters[next];
    next += 1;
    return value === undefined ? found : foundLiteral(value);
  });
  if (next === parameters.length) return text;
  throw new MillraceError('MILL_INVALID_REQUEST', `query: expected ${next} parameters, found ${parameters.length}`);
}

function foundLiteral(value: FoundValue): string {
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) === value) return String(value);
    throw new MillraceError('MILL_INVALID_REQUEST', `query: expected an integer of 64 bits as parameter, found ${value}`);
  }
  if (value instanceof Uint8Array) return literal(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  // No column can hold an infinity, and none exceeds the largest number.
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return `${Math.sign(value) * Number.MAX_VALUE}`;
  return literal(Number.isNaN(value) ? null : value);
}
