import type { DeclaredPipeline } from '../../store.ts';
import type { Transaction } from '../connection/connections.ts';

/** Takes note of the shapes under which states are stored from now on. Returns the pipelines that have stored states of another shape under the same version. */
export async function noteShapes({ run }: Transaction, pipelines: readonly DeclaredPipeline[]): Promise<readonly string[]> {
  const reshaped: string[] = [];
  for (const { name, state } of pipelines) {
    if (state === undefined) continue;
    await run({
      text: 'INSERT INTO millrace_state_shapes VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      values: [name, state.version, state.shape],
    });
    const { rows } = await run({
      text: 'SELECT count(*) FROM millrace_state_shapes WHERE pipeline = $1 AND version = $2',
      values: [name, state.version],
    });
    if (Number(rows[0]?.[0]) > 1) reshaped.push(name);
  }
  return reshaped;
}
