import type { Book } from './clients.ts';
import type { Query } from './database.ts';
import type { Arrival } from './receiver.ts';

/** The final contents of the database. */
export interface Findings {
  /** Events that had their turn. */
  readonly applied: number;
  /** Acknowledged events without effect. */
  readonly lost: number;
  /** Turns that took effect more than once. */
  readonly duplicates: number;
  /** Turns out of the order of their key. */
  readonly orderBreaks: number;
  /** Calls that arrived more than once, which is allowed, and calls that arrived after a later one of their key, as a frozen process may cause. */
  readonly repeatedCalls: number;
  readonly lateCalls: number;
  /** Descriptions of all violations. */
  readonly broken: readonly string[];
}

interface Row {
  readonly pipeline: string;
  readonly key: string;
  readonly what: string;
  readonly n: number;
  readonly nth: number;
}

/** Pairs that must have the same count, each once. */
const pairs = [
  ['sent', 'heard'],
  ['armed', 'rang'],
  ['asked', 'told'],
] as const;

/** Compares the database with what the clients and the receiver know. Everything must be at rest. */
export async function check(query: Query, book: Book, arrivals: readonly Arrival[]): Promise<Findings> {
  const rows = (await query('SELECT pipeline, "key", what, n, nth FROM happenings')).map(toRow);
  const broken: string[] = [];
  const counts = { lost: 0, duplicates: 0, orderBreaks: 0 };
  const of = (what: string) => rows.filter((row) => row.what === what);
  checkTurns(of('event'), book, { counts, broken });
  for (const [asked, done] of pairs) checkPair(of(asked), of(done), { counts, broken });
  checkOrder(of('heard'), { counts, broken });
  broken.push(...(await stateFaults(query, book)));
  const [letters] = await query('SELECT count(*) AS count FROM millrace_dead_letters');
  if (Number(letters?.count) !== 0) broken.push(`there are ${letters?.count} dead letters`);
  const calls = checkCalls(of('asked'), arrivals, broken);
  broken.push(...book.strange);
  return { applied: of('event').length, ...counts, ...calls, broken };
}

function toRow({ pipeline, key, what, n, nth }: Record<string, unknown>): Row {
  return { pipeline: String(pipeline), key: String(key), what: String(what), n: Number(n), nth: Number(nth) };
}

interface Verdict {
  readonly counts: { lost: number; duplicates: number; orderBreaks: number };
  readonly broken: string[];
}

/** Checks that each key has all events up to the last acknowledged one, each once, as its state counted them. */
function checkTurns(turns: readonly Row[], book: Book, { counts, broken }: Verdict): void {
  const byKey = Map.groupBy(turns, ({ pipeline, key }) => `${pipeline} ${key}`);
  for (const [pipeline, keys] of book.acknowledged) {
    for (const [key, last] of keys) {
      const own = (byKey.get(`${pipeline} ${key}`) ?? []).sort((a, b) => a.nth - b.nth);
      const seen = new Set(own.map(({ n }) => n));
      const missing = Array.from({ length: last }, (_, at) => at + 1).filter((n) => !seen.has(n));
      const isOrdered = own.every(({ n }, at) => at === 0 || n > (own[at - 1]?.n ?? 0));
      counts.lost += missing.length;
      counts.duplicates += own.length - seen.size;
      if (!isOrdered && own.length === seen.size) counts.orderBreaks += 1;
      const isRight = missing.length === 0 && own.length === last && own.every(({ n, nth }) => n === nth);
      if (!isRight)
        broken.push(`${pipeline}, ${key}: expected 1 to ${last}, found ${own.map(({ n, nth }) => `${n} as ${nth}.`).join(' ')}`);
    }
  }
}

function checkPair(asked: readonly Row[], done: readonly Row[], { counts, broken }: Verdict): void {
  const names = (rows: readonly Row[]) => Map.groupBy(rows, ({ key, n }) => `${key}/${n}`);
  const [expected, found] = [names(asked), names(done)];
  for (const name of expected.keys()) {
    const times = found.get(name)?.length ?? 0;
    if (times === 0) counts.lost += 1;
    if (times !== 1) broken.push(`${name}: ${asked[0]?.what}, and then ${times} times instead of once ${done[0]?.what}`);
  }
  for (const [name, rows] of found) {
    counts.duplicates += rows.length - 1;
    if (!expected.has(name)) broken.push(`${name}: ${done[0]?.what}, and never ${asked[0]?.what}`);
  }
}

/** Checks that one key's sends arrive at another in order. */
function checkOrder(heard: readonly Row[], { counts, broken }: Verdict): void {
  for (const [key, own] of Map.groupBy(heard, (row) => row.key)) {
    const numbers = own.sort((a, b) => a.nth - b.nth).map(({ n }) => n);
    if (numbers.every((n, at) => at === 0 || n >= (numbers[at - 1] ?? 0))) continue;
    counts.orderBreaks += 1;
    broken.push(`${key}: its sends were heard in the order ${numbers.join(' ')}`);
  }
}

async function stateFaults(query: Query, book: Book): Promise<readonly string[]> {
  const rows = await query('SELECT pipeline, "key", state FROM millrace_keys WHERE state IS NOT NULL');
  const counts = new Map(rows.map(({ pipeline, key, state }) => [`${pipeline} ${key}`, JSON.parse(String(state)).count]));
  return Array.from(book.acknowledged).flatMap(([pipeline, keys]) =>
    Array.from(keys).flatMap(([key, last]) => {
      const count = counts.get(`${pipeline} ${key}`);
      return count === last ? [] : [`${pipeline}, ${key}: expected the state to have counted ${last}, found ${count}`];
    }),
  );
}

function checkCalls(asked: readonly Row[], arrivals: readonly Arrival[], broken: string[]) {
  const arrived = new Set(arrivals.map(({ key, n }) => `${key}/${n}`));
  for (const { key, n } of asked) if (!arrived.has(`${key}/${n}`)) broken.push(`${key}/${n}: never delivered`);
  let lateCalls = 0;
  for (const own of Map.groupBy(arrivals, ({ key }) => key).values()) {
    lateCalls += own.filter(({ n }, at) => n < Math.max(0, ...own.slice(0, at).map((before) => before.n))).length;
  }
  return { repeatedCalls: arrivals.length - arrived.size, lateCalls };
}
