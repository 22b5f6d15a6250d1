import type { DeclaredPipeline } from '../../store.ts';
import { runFlight, type Transaction } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import type { WriteStatements } from '../statements.ts';
import { column } from '../write/columns.ts';

/**
 * Records the shapes under which states are stored from now on. Returns the pipelines that have stored states of another shape under the
 * same version.
 */
export async function noteShapes(
  { run }: Transaction,
  statements: WriteStatements,
  pipelines: readonly DeclaredPipeline[],
): Promise<readonly string[]> {
  const reshaped: string[] = [];
  for (const { name, state } of pipelines) {
    if (state === undefined) continue;
    const flight = new Flight();
    statements.addMissing(flight, 'millrace_state_shapes', [
      column('pipeline', 'text', [name], (pipeline) => pipeline),
      column('version', 'int8', [state], ({ version }) => version),
      column('shape', 'text', [state], ({ shape }) => shape),
    ]);
    await runFlight({ run }, flight);
    const { rows } = await run({
      text: 'SELECT count(*) FROM millrace_state_shapes WHERE pipeline = $1 AND version = $2',
      values: [name, state.version],
    });
    if (Number(rows[0]?.[0]) > 1) reshaped.push(name);
  }
  return reshaped;
}
