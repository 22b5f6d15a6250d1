import type { ConnectionOptions } from './connection-options.ts';

/** The longest idle time of a session, in seconds: within a single-flight transaction, and otherwise. */
export const idleSeconds = { inFlight: 2, outside: 28_800 } as const;

/** Bytes of a text used for sorting, and of a buffer that fits enough of such texts. */
const sortedBytes = 64 * 1024;
const sortBufferBytes = 4 * 1024 * 1024;
/**
 * Maximum bytes of a list that the database builds from rows, such as their keys (`write/found-rows.ts`): MariaDB truncates a longer one.
 */
const listBytes = 1024 * 1024 * 1024;

/**
 * Sets up a session once, before anything else:
 *
 * - names in double quotes, as in standard SQL; nothing is cut, rounded or replaced without an error; no NO_BACKSLASH_ESCAPES
 *   (`literals.ts`);
 * - READ COMMITTED, whatever the server's default: a statement that waited for a lock sees everything committed before it got the lock;
 * - a text is sorted by more of its beginning than by default, which is 1,024 bytes: names may be long and differ at their ends;
 * - UTC, in which no hour occurs twice: the clock of leases is `UNIX_TIMESTAMP`;
 * - a time limit for statements. MariaDB reads comments that begin with `M!`, MySQL those with its own version numbers, which MariaDB
 *   skips. MySQL limits only reads; writes are limited by their locks.
 */
export function sessionStatements({ statementTimeoutMs, lockTimeoutMs }: ConnectionOptions): readonly string[] {
  const lockSeconds = Math.max(1, Math.ceil(lockTimeoutMs / 1_000));
  const modes = ['ANSI_QUOTES', 'STRICT_ALL_TABLES', 'ONLY_FULL_GROUP_BY', 'ERROR_FOR_DIVISION_BY_ZERO', 'NO_ENGINE_SUBSTITUTION'];
  const all = [...modes, 'NO_ZERO_DATE', 'NO_ZERO_IN_DATE'];
  const settings = [
    `sql_mode = '${all.join(',')}'`,
    'autocommit = 1',
    "time_zone = '+00:00'",
    `innodb_lock_wait_timeout = ${lockSeconds}`,
    `lock_wait_timeout = ${lockSeconds}`,
    `wait_timeout = ${idleSeconds.outside}`,
    `max_sort_length = ${sortedBytes}`,
    `group_concat_max_len = ${listBytes}`,
    `sort_buffer_size = GREATEST(@@sort_buffer_size, ${sortBufferBytes})`,
  ];
  const limits = `/*M! , SESSION max_statement_time = ${statementTimeoutMs / 1_000} */ /*!80000 , SESSION max_execution_time = ${statementTimeoutMs} */`;
  // MySQL rounds values finer than a column, MariaDB truncates them: this makes MySQL truncate too.
  const cut = `/*!80000 , SESSION sql_mode = '${[...all, 'TIME_TRUNCATE_FRACTIONAL'].join(',')}' */`;
  return [
    `SET ${settings.map((setting) => `SESSION ${setting}`).join(', ')} ${limits} ${cut}`,
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE',
  ];
}

/** Returns the statement that sets how long the server waits for the next one. */
export function idleFor(seconds: number): string {
  return `SET SESSION wait_timeout = ${seconds}`;
}

export const beginReading: readonly string[] = ['SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', 'START TRANSACTION READ ONLY'];
