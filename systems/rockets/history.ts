import * as z from 'zod';
import type { Mill, ReadOptions } from '../../src/index.ts';
import { decodeCursor, exactly, exactValue, forPage, type Page, pageOf } from '../../src/server/index.ts';
import { messagesTable } from './pipeline.ts';

/** An applied message. */
export interface AppliedMessage {
  readonly messageNumber: number;
  readonly messageTime: string;
  readonly messageType: string;
  readonly message: unknown;
}

const Cursor = z.tuple([exactly(z.int())]);

/** Returns a page of a rocket's applied messages, in number order. Throws `MILL_INVALID_REQUEST` for a cursor from another list. */
export async function findHistory(
  mill: Mill,
  rocket: string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  reading: ReadOptions = {},
): Promise<Page<AppliedMessage>> {
  const [after] = cursor === undefined ? [0] : await decodeCursor(Cursor, cursor);
  const rows = await mill
    .query(messagesTable, { ...reading, ...forPage })
    .selectAll()
    .where('rocket', '=', rocket)
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit + 1)
    .execute();
  return pageOf(rows, {
    limit,
    cursor: (row) => [exactValue(row, 'number')],
    item: (row) => ({ messageNumber: row.number, messageTime: row.time, messageType: row.type, message: row.message }),
  });
}
