import type { SelectQueryBuilder } from 'kysely';
import type { StoredRowOf, Table } from './table.ts';

/** A Kysely select over one declared table: add conditions, order and columns, then `execute()`. */
// biome-ignore lint/complexity/noBannedTypes: Kysely's own word for "nothing selected yet"
export type TableQuery<T extends Table> = SelectQueryBuilder<Record<T['name'], StoredRowOf<T>>, T['name'], {}>;

/** Starts a read-only query over a declared table. */
export type QueryTables = <T extends Table>(table: T) => TableQuery<T>;
