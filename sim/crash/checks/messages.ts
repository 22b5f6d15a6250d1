import type { SqlValue } from '../../../src/pipeline/table.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Call, Life } from '../book.ts';
import { attemptsMax } from '../environment.ts';
import type { PlannedRow } from '../loads/messages.ts';

type Row = Readonly<Record<string, SqlValue>>;

export interface MessagesCheck {
  readonly calls: readonly Call[];
  readonly lives: readonly Life[];
  /** What must be there, by id. */
  readonly rows: ReadonlyMap<string, PlannedRow>;
  /** The contents of all that may be there. */
  readonly contents: ReadonlySet<string>;
  readonly isSettled: boolean;
  /** Whether the latest may be gone. */
  readonly isCut: boolean;
}

/**
 * What was answered with 201, and what SQL put there, has its row; what was sent was taken by the provider, and what was given
 * up was not, unless the server died before it had written that down.
 */
export async function checkMessages(store: Store, check: MessagesCheck): Promise<readonly string[]> {
  const rows = new Map((await store.query('SELECT * FROM messages', [])).map((row) => [String(row.id), row]));
  const calls = Map.groupBy(
    check.calls.filter(({ endpoint }) => endpoint === 'sms'),
    ({ id }) => id,
  );
  const dead = await store.query(`SELECT key FROM millrace_dead_letters WHERE pipeline = 'messages'`, []);
  const letters = Map.groupBy(dead, ({ key }) => String(key));
  const broken: string[] = [];
  for (const [id, { to, content }] of check.rows) {
    const row = rows.get(id);
    if (row === undefined && check.isCut) continue;
    if (row?.to !== to || row.content !== content) broken.push(`messages: ${id} was put there and is ${JSON.stringify(row)}`);
  }
  for (const [id, row] of rows) {
    const planned = check.rows.get(id);
    if (planned === undefined && !check.contents.has(String(row.content))) broken.push(`messages: nobody put ${id} there`);
    const context = { ...check, calls: calls.get(id) ?? [], letters: letters.get(id)?.length ?? 0, isValid: planned?.isValid ?? true };
    for (const words of faultsOf(row, context)) broken.push(`messages: ${id}: ${words}`);
  }
  for (const id of calls.keys()) if (!rows.has(id) && !check.isCut) broken.push(`messages: ${id} was sent and has no row`);
  return broken;
}

interface RowContext extends Pick<MessagesCheck, 'calls' | 'lives' | 'isSettled'> {
  /** Its dead letters. */
  readonly letters: number;
  readonly isValid: boolean;
}

function faultsOf(row: Row, { calls, lives, letters, isValid, isSettled }: RowContext): readonly string[] {
  const faults: string[] = [];
  const taken = calls.filter(({ result }) => result === 'delivered');
  if (isSettled && row.status === 'PENDING') faults.push('it is still pending');
  if (row.status === 'SUCCESS' && !calls.some(({ messageId }) => messageId === row.message_id))
    faults.push(`the provider never called it ${row.message_id}`);
  if (!isValid && (row.status === 'SUCCESS' || calls.length > 0)) faults.push(`it cannot be sent and is ${row.status}`);
  if (row.status === 'FAILED' && isValid && letters !== 1) faults.push(`it was given up and has ${letters} dead letters`);
  if (row.status !== 'FAILED' && letters > 0) faults.push(`it is ${row.status} and a dead letter`);
  // Each death may swallow what came of the last call before it.
  const swallowed = new Set(calls.map(({ life }) => life).filter((life) => lives[life - 1]?.end === 'killed')).size;
  if (calls.length > attemptsMax + swallowed) faults.push(`it may be tried ${attemptsMax} times, and ${calls.length} calls arrived`);
  const recorded = taken.find(({ life }) => lives[life - 1]?.end === 'stopped');
  if (isSettled && recorded !== undefined && row.status !== 'SUCCESS') faults.push(`the provider took it and it is ${row.status}`);
  return faults;
}
