import type { ExactValue } from './row-errors.ts';

/** A value in a cursor. */
export type CursorValue = string | number | boolean | null | ExactValue;

export interface PageOptions<Row, Item> {
  readonly limit: number;
  cursor(row: Row): readonly CursorValue[];
  item(row: Row): Item;
}
