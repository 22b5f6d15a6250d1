import { MillraceError } from '../../../errors.ts';
import type { Connections } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import type { Statement } from '../connection/statement.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import { placementName } from '../schema/placements.ts';
import type { SqlStatements } from '../statements.ts';

/** Rows deleted per transaction. */
const rowsMax = 5_000;
/** More than a pipeline has slices, or shapes of states. */
const allRows = Number.MAX_SAFE_INTEGER;

/**
 * Deletes all data of a pipeline, a part at a time; references to events go before the log. Throws `MILL_CONFLICT` while a process that
 * declares it works on it.
 */
export async function forgetPipeline(connections: Connections, { now, writes }: SqlStatements, pipeline: string): Promise<void> {
  await checkUnowned(connections, now, pipeline);
  for (const table of [
    'held',
    'gaps',
    'causes',
    'deliveries',
    'keys',
    'dead_letters',
    'cursors',
    'inbox',
    'source_offsets',
    'key_blocks',
    'blocks',
  ]) {
    const text = writes.removePiece(`millrace_${table}`, rowsMax);
    let count: number;
    do count = await countOf(connections, { text, values: [pipeline] });
    while (count === rowsMax);
  }
  const { log, ids } = tablesOf(pipeline);
  await connections.write(() => {
    const flight = new Flight();
    for (const table of [log, ids]) flight.add({ text: `DROP TABLE IF EXISTS ${table}`, values: [] });
    for (const table of ['fences', 'heads', 'state_shapes', 'pipelines']) {
      flight.add({ text: writes.removePiece(`millrace_${table}`, allRows), values: [pipeline] });
    }
    flight.add({ text: 'DELETE FROM millrace_meta WHERE name = $1', values: [placementName(pipeline)] });
    return flight;
  });
}

async function checkUnowned(connections: Connections, now: string, pipeline: string): Promise<void> {
  const [found] = await connections.read({
    text: `SELECT process.host, process.pid FROM millrace_fences AS fence JOIN millrace_processes AS process ON process.id = fence.owner
      WHERE fence.pipeline = $1 AND process.until > ${now} LIMIT 1`,
    values: [pipeline],
  });
  const [host, pid] = found?.rows[0] ?? [];
  if (host === undefined) return;
  const message = `pipeline ${pipeline}: stop process ${pid} on ${host} first, which declares it`;
  throw new MillraceError('MILL_CONFLICT', message);
}

async function countOf(connections: Connections, statement: Statement): Promise<number> {
  let found = 0;
  await connections.write(() => {
    const flight = new Flight();
    flight.add(statement, ({ count }) => {
      found = count;
    });
    return flight;
  });
  return found;
}
