import { type Check, checkOptions, type OptionTable } from './check-options.ts';
import type { Columns, Table, TableOptions } from './declared-table.ts';
import { arrayOf, expect, named } from './expectations.ts';
import { Place } from './place.ts';
import { hasAtMost, isStorableText } from './text.ts';

const code = 'MILL_INVALID_DECLARATION';

/** Checks the arguments of `table(…)`, except the values of `defaults`. Throws `MILL_INVALID_DECLARATION`. */
export function checkTable(name: unknown, columns: unknown, options: unknown): void {
  checkName(name, new Place('table', code));
  const place = new Place(`table ${name}`, code);
  named('columns and their types', () => undefined)(columns, place);
  const declared = Object.keys(columns as Columns);
  if (declared.length === 0) place.refuse('expected at least one column');
  for (const [column, type] of Object.entries(columns as Columns)) {
    checkName(column, new Place(`table ${name}: column`, code));
    checkType(type, new Place(`table ${name}: column ${column}`, code));
  }
  checkOptions(options, optionsOver(declared), place);
}

/** Returns whether a value was made by `table(…)`, from this or another copy of the package. */
export function isTable(value: unknown): value is Table {
  if (typeof value !== 'object' || value === null) return false;
  const { name, columns, primaryKey, indexes, defaults } = value as Readonly<Partial<Record<keyof Table, unknown>>>;
  return (
    typeof name === 'string' &&
    typeof columns === 'object' &&
    columns !== null &&
    Array.isArray(primaryKey) &&
    Array.isArray(indexes) &&
    typeof defaults === 'object'
  );
}

function optionsOver(columns: readonly string[]): OptionTable<TableOptions<Columns, readonly string[]>> {
  const known = columnsOf(columns);
  return {
    primaryKey: known,
    indexes: arrayOf("indexes, each an array of columns, such as [['status', 'created_at']]", atLeastOne(known)),
    defaults: named('values by column', () => undefined, checkColumn(columns)),
  };
}

/** Columns of the table, each once. */
function columnsOf(columns: readonly string[]): Check {
  const array = arrayOf("columns, such as ['id']", expect(`a column of the table (${columns.join(', ')})`, isAmong(columns)));
  return (value, place) => {
    array(value, place);
    const names = value as readonly string[];
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) place.refuse(`expected each column once, found ${twice} twice`);
  };
}

function atLeastOne(check: Check): Check {
  return (value, place) => {
    check(value, place);
    if ((value as readonly unknown[]).length === 0) place.refuse('expected at least one column');
  };
}

function checkColumn(columns: readonly string[]): (name: string, place: Place) => void {
  return (name, place) => expect(`columns of the table (${columns.join(', ')})`, isAmong(columns))(name, place);
}

function isAmong(names: readonly string[]): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && names.includes(value);
}

const types = /^(text(\([1-9]\d{0,8}\))?|integer|real|boolean|json|moment)\??$/;
const checkNamed = expect(
  'text, text(50), integer, real, boolean, json or moment, with a ? where it may be null, or an array of texts',
  (type) => typeof type === 'string' && types.test(type),
);

const checkType: Check = (type, place) => {
  if (Array.isArray(type)) checkEnumeration(type, place);
  else checkNamed(type, place);
};

/** Some databases keep no more characters of an enumeration's name, and no trailing blanks. */
const nameLengthMax = 255;
const checkTexts = arrayOf(
  'texts',
  expect(
    `a text of 1 to ${nameLengthMax} characters without a blank at its end, or null`,
    (value) =>
      value === null || (typeof value === 'string' && isStorableText(value) && /[^ ]$/.test(value) && hasAtMost(value, nameLengthMax)),
  ),
);

/** Checks the allowed texts of a column: each once, and perhaps null. */
function checkEnumeration(values: readonly unknown[], place: Place): void {
  checkTexts(values, place);
  if (values.every((value) => value === null)) place.refuse('expected at least one text');
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  if (twice !== undefined) place.refuse(`expected each value once, found ${JSON.stringify(twice)} twice`);
}

/** A name that SQL takes unquoted and that neither the engine nor the database reserves. */
const identifier = /^(?!millrace_|sqlite_)[a-z][a-z0-9_]{0,47}$/;
const checkName = expect(
  'a name of lower-case letters, digits and _, at most 48, that does not start with millrace_ or sqlite_',
  (name) => typeof name === 'string' && identifier.test(name),
);
