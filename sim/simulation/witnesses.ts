import type { LoggedEvent, Store } from '../../src/store/store.ts';
import type { AppliedTurn, Witness } from '../ledger.ts';
import { after, type State } from './pipelines.ts';
import { endpointNames, type PipelineName, pipelineNames, type Settings } from './program.ts';

/** What the simulated pipelines wrote down. */
export function witnessesOf(settings: Settings): readonly Witness[] {
  return pipelineNames.map((name) => witnessOf(name, settings));
}

function witnessOf(pipeline: PipelineName, { skipsGaps }: Settings): Witness {
  return {
    pipeline,
    numbered: pipeline === 'numbers',
    skipsGaps,
    endpoints: endpointNames.map((name) => ({ name, isOrdered: name === 'post', isTold: name !== 'shout' })),
    nameOf: ({ body }: LoggedEvent) => JSON.parse(body).mark,
    armOf: (data) => JSON.parse(data ?? '{}').arm ?? '',
    turns: (store) => turnsOf(store, pipeline),
    ...(pipeline !== 'loose' && { fold: (turns) => turns.reduce<State | undefined>((state, { cause }) => after(state, cause), undefined) }),
  };
}

async function turnsOf(store: Store, pipeline: string): Promise<readonly AppliedTurn[]> {
  const rows = await store.query('SELECT turn FROM turns WHERE pipeline = ? ORDER BY rowid', [pipeline]);
  return rows.map(({ turn }) => JSON.parse(String(turn)));
}
