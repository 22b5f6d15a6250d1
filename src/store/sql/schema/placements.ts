import type { DeclaredPipeline } from '../../store.ts';
import { runFlight, type Transaction } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import type { WriteStatements } from '../statements.ts';
import { column } from '../write/columns.ts';
import { tablesOf } from './pipeline-tables.ts';

/** Returns the name under which `millrace_meta` records where the keys of a pipeline are. */
export function placementName(pipeline: string): string {
  return `placement of ${pipeline}`;
}

/**
 * Records where the keys of pipelines are from now on. Returns the pipelines with data elsewhere, whose record stays unchanged. With a
 * single slice, everything is in that slice.
 */
export async function notePlacements(
  { run }: Transaction,
  statements: WriteStatements,
  pipelines: readonly DeclaredPipeline[],
): Promise<readonly string[]> {
  const { rows } = await run({ text: 'SELECT name, value FROM millrace_meta', values: [] });
  const noted = new Map(rows.map(([name, value]) => [name, value]));
  if (noted.get('partitions') === '1') return [];
  const misplaced: string[] = [];
  for (const { name, isTogether } of pipelines) {
    const placement = isTogether === true ? 'together' : 'by key';
    const before = noted.get(placementName(name));
    if (before === placement) continue;
    if (before !== undefined && (await hasRows({ run }, name))) {
      misplaced.push(name);
      continue;
    }
    const flight = new Flight();
    statements.addUpsert(flight, {
      table: 'millrace_meta',
      key: ['name'],
      columns: [column('name', 'text', [name], placementName), column('value', 'text', [placement], (value) => value)],
    });
    await runFlight({ run }, flight);
  }
  return misplaced;
}

/** Returns whether anything exists there that is found by its key. */
async function hasRows({ run }: Transaction, pipeline: string): Promise<boolean> {
  const { log, ids } = tablesOf(pipeline);
  const shared = ['keys', 'held', 'causes', 'deliveries', 'dead_letters'].map((table) => ({
    text: `SELECT 1 FROM millrace_${table} WHERE pipeline = $1 LIMIT 1`,
    values: [pipeline],
  }));
  const own = [log, ids].map((table) => ({ text: `SELECT 1 FROM ${table} LIMIT 1`, values: [] }));
  for (const statement of [...shared, ...own]) if ((await run(statement)).rows.length > 0) return true;
  return false;
}
