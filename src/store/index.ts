/// <reference types="node" preserve="true" />
// Our declarations name `AbortSignal`. A program without the DOM has it only from the types of Node.js.

/**
 * The public API of `millrace/store`, for authors of stores. `Store` is the port, and defines what a store must do; `storeContract` of
 * `millrace/testing` tests it. Nothing here loads a database.
 */
export { type ErrorCode, errorTable, type Issue, MillraceError, type MillraceErrorOptions } from '../errors.ts';
export type {
  ChangedRowOf,
  Columns,
  ColumnType,
  FoundValue,
  RowOf,
  SqlValue,
  StoredRowOf,
  Table,
  TableOptions,
} from '../pipeline/table.ts';
export { blockText } from './block-text.ts';
export { checkMoments } from './commit-moments.ts';
export {
  isFullList,
  pageUpTo,
  sizeOfAll,
  sizeOfCause,
  sizeOfDelivery,
  sizeOfEvent,
  sizeOfLetter,
  sizeOfRecord,
  sizeOfValues,
  upTo,
} from './list-size.ts';
export type * from './store.ts';
export { type Selection, toRows } from './tables/selection.ts';
export {
  type DeclaredColumn,
  type FoundColumn,
  type SqlColumn,
  type SqlTypes,
  sqlColumnsOf,
  typeOf,
} from './tables/sql-columns.ts';
export { literal, quote, quoteAll } from './tables/sql-text.ts';
export { type FoundIndex, type IndexChanges, indexChanges, missingColumns, refuseIndex } from './tables/table-changes.ts';
export { addStatement, putStatement, type UpdateStatement, updateStatement } from './tables/write-statements.ts';
