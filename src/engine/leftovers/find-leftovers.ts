import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { InventoryQuery, NamedCount, StoredPipeline } from '../../store/store.ts';
import { endpointOf } from '../outbox/outcome.ts';
import { schedulesName } from '../schedules/schedules.ts';
import type { Leftover } from './leftover.ts';

type Declared = ReadonlyMap<string, AnyPipeline>;

/** What must be counted to find leftovers. The states of a pipeline that declares a state are none, and there may be millions. */
export function countedForLeftovers(declared: Declared): InventoryQuery {
  const uncounted = Array.from(declared.values()).flatMap(({ name, state }) => (state === undefined ? [] : [name]));
  return { uncounted, named: [schedulesName] };
}

/** Finds what of an inventory no declaration is there for. */
export function findLeftovers(inventory: readonly StoredPipeline[], declared: Declared): readonly Leftover[] {
  return inventory.flatMap((stored) => {
    const schedules = stored.pipeline === schedulesName ? schedulesIn(stored, declared) : [];
    const pipeline = declared.get(stored.pipeline);
    if (pipeline !== undefined)
      return [...schedules, ...endpointsIn(stored, pipeline), ...timersIn(stored, pipeline), ...stateIn(stored, pipeline)];
    return schedules.length > 0 ? schedules : wholeOf(stored);
  });
}

function wholeOf({ pipeline, waiting: events, states, timers, deliveries, deadLetters }: StoredPipeline): readonly Leftover[] {
  const whole = { events, states: states ?? 0, timers: sumOf(timers), deliveries: sumOf(deliveries), deadLetters };
  return Object.values(whole).some((count) => count > 0) ? [{ gone: 'pipeline', pipeline, ...whole }] : [];
}

function endpointsIn({ pipeline, timers, deliveries }: StoredPipeline, { deliver }: AnyPipeline): readonly Leftover[] {
  const waiting = new Map(deliveries.map(({ name, count }) => [name, count]));
  const outcomes = new Map(timers.flatMap(({ name, count }) => entryOf(endpointOf(name), count)));
  return Array.from(new Set([...waiting.keys(), ...outcomes.keys()]))
    .filter((endpoint) => !Object.hasOwn(deliver, endpoint))
    .map((endpoint) => ({
      gone: 'endpoint',
      pipeline,
      endpoint,
      deliveries: waiting.get(endpoint) ?? 0,
      outcomes: outcomes.get(endpoint) ?? 0,
    }));
}

function timersIn({ pipeline, timers }: StoredPipeline, declared: AnyPipeline): readonly Leftover[] {
  return timers
    .filter(({ name }) => endpointOf(name) === undefined && !Object.hasOwn(declared.timers, name))
    .map(({ name, count }) => ({ gone: 'timer', pipeline, timer: name, timers: count }));
}

function stateIn({ pipeline, states }: StoredPipeline, { state }: AnyPipeline): readonly Leftover[] {
  return state === undefined && states !== null && states > 0 ? [{ gone: 'state', pipeline, states }] : [];
}

/** The key of a schedule is the name of its pipeline. */
function schedulesIn({ keys }: StoredPipeline, declared: Declared): readonly Leftover[] {
  return keys.filter((pipeline) => declared.get(pipeline)?.schedule === undefined).map((pipeline) => ({ gone: 'schedule', pipeline }));
}

function entryOf(name: string | undefined, count: number): readonly (readonly [string, number])[] {
  return name === undefined ? [] : [[name, count]];
}

function sumOf(counts: readonly NamedCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}
