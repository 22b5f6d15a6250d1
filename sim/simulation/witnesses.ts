import type { LoggedEvent, Store } from '../../src/store/store.ts';
import type { AppliedTurn, Witness } from '../ledger.ts';
import { after, type State, skipAfterMs } from './pipelines.ts';
import { type Declared, endpointNames, type PipelineName, type Program, pipelineNames } from './program.ts';
import { nameOf } from './turn.ts';

/** Returns the records of the simulated pipelines. */
export function witnessesOf(program: Program): readonly Witness[] {
  return pipelineNames.map((name) => witnessOf(name, program));
}

function witnessOf(pipeline: PipelineName, { settings, steps }: Program): Witness {
  const { attempts, skipsGaps } = settings;
  const undeclared = new Set(steps.flatMap((step) => (step.step === 'restart' ? (step.without ?? []) : [])));
  return {
    pipeline,
    numbered: pipeline === 'numbers',
    skipsGaps,
    attempts,
    skipAfterMs: skipsGaps ? skipAfterMs : Number.POSITIVE_INFINITY,
    endpoints: endpointNames.map((name) => ({ name, isOrdered: name === 'post', isTold: name !== 'shout' })),
    nameOf: ({ body }: LoggedEvent) => JSON.parse(body).mark,
    armOf: (data) => JSON.parse(data ?? '{}').arm ?? '',
    wasDeclared: (name) => !undeclared.has(name as Declared),
    turns: (store) => turnsOf(store, pipeline),
    rows: (store, turns) => wrongRows(store, pipeline, turns),
    ...(pipeline !== 'loose' && { fold: (turns) => turns.reduce<State | undefined>((state, { cause }) => after(state, cause), undefined) }),
  };
}

async function turnsOf(store: Store, pipeline: string): Promise<readonly AppliedTurn[]> {
  const rows = await store.query('SELECT turn FROM turns WHERE pipeline = ? ORDER BY rowid', [pipeline]);
  return rows.map(({ turn }) => JSON.parse(String(turn)));
}

/** Returns a line for each key whose row differs from what its last turn, and its last event's turn, wrote. */
async function wrongRows(
  store: Store,
  pipeline: PipelineName,
  turns: ReadonlyMap<string, readonly AppliedTurn[]>,
): Promise<readonly string[]> {
  const rows = new Map((await store.query('SELECT id, event, turn FROM last', [])).map(({ id, event, turn }) => [id, { event, turn }]));
  return Array.from(turns).flatMap(([key, own]) => {
    const causes = own.map(({ cause }) => cause);
    const last = causes.at(-1);
    const event = causes.findLast((cause) => cause.kind === 'event');
    const expected = { event: event?.name, turn: last === undefined ? undefined : nameOf(last) };
    const found = rows.get(`${pipeline} ${key}`);
    if (found?.event === expected.event && found?.turn === expected.turn) return [];
    return [`key ${key}: its row is ${JSON.stringify(found)}, but its turns make ${JSON.stringify(expected)}`];
  });
}
