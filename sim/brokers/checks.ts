import type { InletRecord } from '../../src/pipeline/inlet.ts';
import type { Query } from '../fleet/database.ts';

/** The final contents of the database and of the delivery topic. */
export interface Findings {
  /** Number of steps that had their turn. */
  readonly applied: number;
  /** Number of further turns, of steps that the producer had written again. */
  readonly repeated: number;
  readonly lost: number;
  /** Number of steps that took effect twice. */
  readonly duplicates: number;
  readonly orderBreaks: number;
  /** Number of distinct deliveries that arrived, and of repeated records. */
  readonly delivered: number;
  readonly repeats: number;
  /** Descriptions of all violations. */
  readonly broken: readonly string[];
}

export interface Evidence {
  readonly query: Query;
  /** Number of steps written, by key. */
  readonly written: ReadonlyMap<string, number>;
  readonly deliverEvery: number;
  /** The records of the topics of steps and deliveries. */
  readonly steps: AsyncIterable<InletRecord>;
  readonly delivered: AsyncIterable<InletRecord>;
}

/** Maximum number of violations of one kind that are listed. */
const namedMax = 5;

/** Compares the recorded turns with the steps written, and with the records on the topic. Everything must be at rest. */
export async function check(evidence: Evidence): Promise<Findings> {
  const turns = await checkTurns(evidence);
  const records = await checkRecords(evidence);
  const deliveries = await checkDeliveries(evidence);
  const [letters] = await evidence.query('SELECT count(*) AS count FROM millrace_dead_letters');
  const buried = Number(letters?.count) === 0 ? [] : [`there are ${letters?.count} dead letters`];
  return { ...turns, ...records, ...deliveries, broken: [turns, records, deliveries].flatMap(({ broken }) => broken).concat(buried) };
}

/** Checks that each key has every step from the first to the last, each once, as its state counted them. */
async function checkTurns({
  query,
  written,
}: Evidence): Promise<Pick<Findings, 'applied' | 'lost' | 'duplicates' | 'orderBreaks' | 'broken'>> {
  const rows =
    await query(`SELECT applied."key", count(*) AS rows, count(DISTINCT n) AS steps, max(n) AS last, count(*) FILTER (WHERE n <> nth) AS strays,
      max((state::json ->> 'count')::int8) AS state
    FROM applied LEFT JOIN millrace_keys AS keys ON keys.pipeline = 'steps' AND keys."key" = applied."key" GROUP BY applied."key"`);
  const found = new Map(rows.map((row) => [String(row.key), row]));
  const sums = { applied: 0, lost: 0, duplicates: 0, orderBreaks: 0 };
  const broken: string[] = [];
  for (const [key, last] of written) {
    const row = found.get(key);
    const [all, steps, strays] = [Number(row?.rows ?? 0), Number(row?.steps ?? 0), Number(row?.strays ?? 0)];
    sums.applied += all;
    sums.lost += last - steps;
    sums.duplicates += all - steps;
    if (strays > 0) sums.orderBreaks += 1;
    const isRight = steps === last && all === steps && strays === 0 && Number(row?.last) === last && Number(row?.state) === last;
    if (!isRight)
      broken.push(
        `${key}: expected 1 to ${last}, found ${all} turns of ${steps} steps, ${strays} out of place, and the state ${row?.state}`,
      );
  }
  for (const key of found.keys()) if (!written.has(key)) broken.push(`${key}: has turns, and was never written`);
  return { ...sums, broken: some(broken) };
}

/** Checks that each record of the topic had one turn. The trial's steps have no ids, so no other check would find a batch taken twice. */
async function checkRecords({ query, steps }: Evidence): Promise<Pick<Findings, 'repeated' | 'broken'>> {
  const records = await countByKey(steps);
  const rows = await query(`SELECT "key", count(*) AS turns, sum(again) AS again
    FROM (SELECT "key", 0 AS again FROM applied UNION ALL SELECT "key", 1 FROM repeated) AS turns GROUP BY "key"`);
  const broken: string[] = [];
  let repeated = 0;
  for (const { key, turns, again } of rows) {
    const count = records.get(String(key)) ?? 0;
    repeated += Number(again);
    if (Number(turns) !== count) broken.push(`${key}: expected a turn for each of its ${count} records, found ${turns} turns`);
  }
  return { repeated, broken: some(broken) };
}

async function countByKey(steps: AsyncIterable<InletRecord>): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { value } of steps) {
    const { key }: { readonly key: string } = JSON.parse(Buffer.from(value ?? []).toString());
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Checks that each delivery arrived at least once under its id, and that the first arrivals of a key follow the order of its turns. */
async function checkDeliveries({
  written,
  deliverEvery,
  delivered,
}: Evidence): Promise<Pick<Findings, 'delivered' | 'repeats' | 'broken'>> {
  const seen = new Set<string>();
  const last = new Map<string, number>();
  const broken: string[] = [];
  let records = 0;
  for await (const record of delivered) {
    const { key, n, id } = toDelivery(record);
    records += 1;
    if (id !== `${key}/${n}`) broken.push(`${key}/${n}: was delivered under the id ${id}`);
    if (seen.has(id)) continue;
    seen.add(id);
    const before = last.get(key) ?? 0;
    if (n !== before + deliverEvery) broken.push(`${key}: ${n} was delivered behind ${before}`);
    last.set(key, n);
  }
  for (const [key, count] of written) {
    const [expected, found] = [count - (count % deliverEvery), last.get(key) ?? 0];
    if (found !== expected) broken.push(`${key}: expected deliveries up to ${expected}, found ${found}`);
  }
  return { delivered: seen.size, repeats: records - seen.size, broken: some(broken) };
}

/** A delivery, and the id by which a reader recognises it. */
function toDelivery({ value, headers }: InletRecord): { readonly key: string; readonly n: number; readonly id: string } {
  const found = headers.find(({ name }) => name === 'millrace-delivery-id' || name.toLowerCase() === 'nats-msg-id');
  return { ...JSON.parse(Buffer.from(value ?? []).toString()), id: Buffer.from(found?.value ?? []).toString() };
}

function some(all: readonly string[]): readonly string[] {
  return all.length <= namedMax ? all : [...all.slice(0, namedMax), `and ${all.length - namedMax} more like these`];
}
