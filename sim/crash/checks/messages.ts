import type { FoundValue } from '../../../src/pipeline/table.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Call, Life } from '../book.ts';
import { attemptsMax } from '../environment.ts';
import type { PlannedRow } from '../loads/messages.ts';

type Row = Readonly<Record<string, FoundValue>>;

export interface MessagesCheck {
  readonly calls: readonly Call[];
  readonly lives: readonly Life[];
  /** The required rows, by id. */
  readonly rows: ReadonlyMap<string, PlannedRow>;
  /** The contents of all possible rows. */
  readonly contents: ReadonlySet<string>;
  readonly isSettled: boolean;
  /** True if the latest rows may be lost. */
  readonly isCut: boolean;
}

/**
 * Checks that everything answered with 201, and every row inserted with SQL, has its row; that the provider accepted every sent message and
 * no given-up one, unless the server died before recording it.
 */
export async function checkMessages(store: Store, check: MessagesCheck): Promise<readonly string[]> {
  const found = new Map((await store.query('SELECT * FROM messages', [])).map((row) => [String(row.id), row]));
  const dead = await store.query(`SELECT key FROM millrace_dead_letters WHERE pipeline = 'messages'`, []);
  const letters = Map.groupBy(dead, ({ key }) => String(key));
  const calls = Map.groupBy(
    check.calls.filter(({ endpoint }) => endpoint === 'sms'),
    ({ id }) => id,
  );
  const ids = new Set([...check.rows.keys(), ...found.keys(), ...calls.keys()]);
  return Array.from(ids, (id) => {
    const row = found.get(id);
    const own = calls.get(id) ?? [];
    if (row === undefined) return check.isCut ? [] : [`messages: ${id} has no row, but ${own.length} calls`];
    const faults = [
      ...originFaults(row, check.rows.get(id), check.contents),
      ...statusFaults(row, { calls: own, letters: letters.get(id)?.length ?? 0, isValid: check.rows.get(id)?.isValid ?? true }),
      ...callFaults(row, own, check),
      ...(check.isSettled && row.status === 'PENDING' ? ['it is still pending'] : []),
    ];
    return faults.map((words) => `messages: ${id}: ${words}`);
  }).flat();
}

/** Checks that a row was inserted by somebody, with these contents. */
function originFaults(row: Row, planned: PlannedRow | undefined, contents: ReadonlySet<string>): readonly string[] {
  if (planned === undefined) return contents.has(String(row.content)) ? [] : [`nobody inserted it: ${JSON.stringify(row)}`];
  return row.to === planned.to && row.content === planned.content
    ? []
    : [`it was ${JSON.stringify(planned)} but is ${JSON.stringify(row)}`];
}

interface RowContext {
  readonly calls: readonly Call[];
  /** Number of its dead letters. */
  readonly letters: number;
  readonly isValid: boolean;
}

function statusFaults({ status, message_id }: Row, { calls, letters, isValid }: RowContext): readonly string[] {
  const faults: string[] = [];
  if (status === 'SUCCESS' && !calls.some(({ messageId }) => messageId === message_id))
    faults.push(`the provider never called it ${message_id}`);
  if (!isValid && (status === 'SUCCESS' || calls.length > 0))
    faults.push(`it cannot be sent, but is ${status}, and ${calls.length} calls arrived`);
  const expected = status === 'FAILED' && isValid ? 1 : 0;
  if (letters !== expected) faults.push(`it is ${status} but has ${letters} dead letters`);
  return faults;
}

function callFaults({ status }: Row, calls: readonly Call[], { lives, isSettled }: MessagesCheck): readonly string[] {
  const faults: string[] = [];
  const endOf = ({ life }: Call) => lives[life - 1]?.end;
  // Each death may swallow the result of the last call before it.
  const swallowed = new Set(calls.filter((call) => endOf(call) === 'killed').map(({ life }) => life)).size;
  if (calls.length > attemptsMax + swallowed) faults.push(`it may be tried ${attemptsMax} times, but ${calls.length} calls arrived`);
  const isTaken = calls.some((call) => call.result === 'delivered' && endOf(call) === 'stopped');
  if (isSettled && isTaken && status !== 'SUCCESS') faults.push(`the provider accepted it but it is ${status}`);
  return faults;
}
