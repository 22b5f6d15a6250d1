import { MillraceError } from '../../../errors.ts';
import type { Transaction } from '../connection/connections.ts';

/** A database's name in messages, and its clock. */
export interface NamedDatabase {
  readonly name: string;
  readonly now: string;
}

/** Throws `MILL_STORE_OWNED` while a process works on the database. */
export async function checkNoServer({ run }: Transaction, { name, now }: NamedDatabase): Promise<void> {
  const { rows } = await run({ text: `SELECT pid, host FROM millrace_processes WHERE until > ${now} LIMIT 1`, values: [] });
  if (rows[0] === undefined) return;
  const [pid, host] = rows[0];
  throw new MillraceError('MILL_STORE_OWNED', `${name}: expected no server on the database, found process ${pid} on ${host}`);
}
