import { reasonHash } from '../../reason-pattern.ts';
import { kindOfRow } from '../../tables/dead-letter-columns.ts';
import type { Transaction } from '../connection/connections.ts';
import type { Statement } from '../connection/statement.ts';

/** Letters per statement. */
const lettersMax = 500;

/** Returns the statements that set the kind and the reason pattern of letters of an earlier version. */
export async function missingHashes({ run }: Transaction): Promise<readonly Statement[]> {
  const { rows } = await run({ text: 'SELECT id, reason FROM millrace_dead_letters ORDER BY id', values: [] });
  const idsByHash = Map.groupBy(rows, ([, reason]) => reasonHash(String(reason)));
  const hashes = Array.from(idsByHash).flatMap(([hash, some]) =>
    chunksOf(some.map(([id]) => String(id))).map((ids) => ({
      text: `UPDATE millrace_dead_letters SET reason_hash = $1 WHERE id IN (${ids.map((_, at) => `$${at + 2}`).join(', ')})`,
      values: [hash, ...ids],
    })),
  );
  return rows.length === 0 ? [] : [{ text: `UPDATE millrace_dead_letters SET kind = ${kindOfRow}`, values: [] }, ...hashes];
}

function chunksOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / lettersMax) }, (_, at) => all.slice(at * lettersMax, (at + 1) * lettersMax));
}
