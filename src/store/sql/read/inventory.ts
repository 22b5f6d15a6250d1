import type { InventoryQuery, NamedCount, StoredCause, StoredPipeline } from '../../store.ts';
import { withStrangers } from '../../tables/inbox-sql.ts';
import type { Transaction } from '../connection/connections.ts';
import type { Row } from '../connection/statement.ts';
import type { ReadStatements } from '../statements.ts';

/** Counts a database's contents per pipeline, declared or not. */
export async function readInventory(
  { run }: Transaction,
  statements: ReadStatements,
  { uncounted, named }: InventoryQuery,
): Promise<readonly StoredPipeline[]> {
  const found: StoredPipeline[] = [];
  const { rows: inbox } = await run({ text: 'SELECT pipeline, count(*) FROM millrace_inbox GROUP BY pipeline', values: [] });
  const rowsOf = new Map(inbox.map(([pipeline, count]) => [String(pipeline), Number(count)]));
  const { rows } = await run({ text: 'SELECT pipeline FROM millrace_pipelines', values: [] });
  for (const [name] of rows) {
    const pipeline = String(name);
    const of = async (text: string): Promise<readonly Row[]> => (await run({ text, values: [pipeline] })).rows;
    const countOf = async (text: string) => Number((await of(text))[0]?.[0]);
    const hasState = 'FROM millrace_keys WHERE pipeline = $1 AND state IS NOT NULL';
    found.push({
      pipeline,
      waiting: await countOf(statements.waitingEvents(pipeline)),
      states: uncounted.includes(pipeline) ? null : await countOf(`SELECT count(*) ${hasState}`),
      keys: named.includes(pipeline) ? (await of(`SELECT "key" ${hasState} ORDER BY "key"`)).map(([key]) => String(key)) : [],
      timers: (await of(causesText('timer'))).map(toNamedCount),
      outcomes: (await of(causesText('outcome'))).map(toNamedCount),
      deliveries: (
        await of('SELECT endpoint, count(*) FROM millrace_deliveries WHERE pipeline = $1 GROUP BY endpoint ORDER BY endpoint')
      ).map(toNamedCount),
      deadLetters: await countOf('SELECT count(*) FROM millrace_dead_letters WHERE pipeline = $1 AND resolved = false'),
      inbox: rowsOf.get(pipeline) ?? 0,
    });
  }
  return withStrangers(found, rowsOf);
}

function toNamedCount([name, count]: Row): NamedCount {
  return { name: String(name), count: Number(count) };
}

/** Timers by name, outcomes by endpoint. */
function causesText(kind: StoredCause['kind']): string {
  return `SELECT name, count(*) FROM millrace_causes WHERE pipeline = $1 AND kind = '${kind}' GROUP BY name ORDER BY name`;
}
