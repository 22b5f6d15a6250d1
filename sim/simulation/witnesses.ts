import * as z from 'zod';
import { type Mill, millrace } from '../../src/engine/mill.ts';
import type { TimelinePlace } from '../../src/engine/timeline-page.ts';
import { pipeline } from '../../src/pipeline/pipeline.ts';
import type { LoggedEvent, Store } from '../../src/store/store.ts';
import type { AppliedTurn, Witness } from '../ledger.ts';
import { after, type State, skipAfterMs } from './pipelines.ts';
import { type Declared, endpointNames, type PipelineName, type Program, pipelineNames } from './program.ts';
import { nameOf } from './turn.ts';

/**
 * Returns the records of the simulated pipelines.
 *
 * @param reader reads their timelines, and has not been started
 */
export function witnessesOf(program: Program, reader: Mill): readonly Witness[] {
  return pipelineNames.map((name) => witnessOf(name, program, reader));
}

/** Returns an engine that only reads a store that somebody has opened. */
export function readerOf(store: Store): Mill {
  const pipelines = pipelineNames.map((name) => pipeline(name, { event: z.unknown(), key: () => '', handle: () => undefined }));
  return millrace({ store, pipelines });
}

function witnessOf(name: PipelineName, { settings, steps }: Program, reader: Mill): Witness {
  const { attempts, skipsGaps } = settings;
  const undeclared = new Set(steps.flatMap((step) => (step.step === 'restart' ? (step.without ?? []) : [])));
  return {
    pipeline: name,
    numbered: name === 'numbers',
    skipsGaps,
    attempts,
    skipAfterMs: skipsGaps ? skipAfterMs : Number.POSITIVE_INFINITY,
    endpoints: endpointNames.map((endpoint) => ({ name: endpoint, isOrdered: endpoint === 'post', isTold: endpoint !== 'shout' })),
    nameOf: ({ body }: LoggedEvent) => JSON.parse(body).mark,
    armOf: (data) => JSON.parse(data ?? '{}').arm ?? '',
    wasDeclared: (declared) => !undeclared.has(declared as Declared),
    turns: (store) => turnsOf(store, name),
    rows: (store, turns) => wrongRows(store, name, turns),
    timeline: (_, key, { limit, place }) => reader.timeline(name, key, { limit, place: place as TimelinePlace | undefined }),
    ...(name !== 'loose' && { fold: (turns) => turns.reduce<State | undefined>((state, { cause }) => after(state, cause), undefined) }),
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
