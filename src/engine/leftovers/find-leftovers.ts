import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { InventoryQuery, NamedCount, StoredPipeline } from '../../store/store.ts';
import { schedulesName } from '../schedules/schedules.ts';
import type { Leftover } from './leftover.ts';

type Declared = ReadonlyMap<string, AnyPipeline>;

/**
 * Returns the query that counts possible leftovers. States of a pipeline that declares a state are not leftovers, and there may be
 * millions.
 */
export function countedForLeftovers(declared: Declared): InventoryQuery {
  const uncounted = Array.from(declared.values()).flatMap(({ name, state }) => (state === undefined ? [] : [name]));
  return { uncounted, named: [schedulesName] };
}

/** Finds everything in an inventory that no declaration covers. */
export function findLeftovers(inventory: readonly StoredPipeline[], declared: Declared): readonly Leftover[] {
  return inventory.flatMap((stored) => {
    const schedules = stored.pipeline === schedulesName ? schedulesIn(stored, declared) : [];
    const pipeline = declared.get(stored.pipeline);
    if (pipeline !== undefined)
      return [...schedules, ...endpointsIn(stored, pipeline), ...timersIn(stored, pipeline), ...stateIn(stored, pipeline)];
    return schedules.length > 0 ? schedules : wholeOf(stored);
  });
}

function wholeOf({ pipeline, waiting: events, states, deadLetters, inbox, ...named }: StoredPipeline): readonly Leftover[] {
  const [timers, deliveries, outcomes] = [named.timers, named.deliveries, named.outcomes].map(sumOf) as [number, number, number];
  const whole = { events, states: states ?? 0, timers, deliveries, outcomes, deadLetters, inbox };
  return Object.values(whole).some((count) => count > 0) ? [{ gone: 'pipeline', pipeline, ...whole }] : [];
}

function endpointsIn({ pipeline, deliveries, outcomes }: StoredPipeline, { deliver }: AnyPipeline): readonly Leftover[] {
  const of = (counts: readonly NamedCount[], endpoint: string) => sumOf(counts.filter(({ name }) => name === endpoint));
  return Array.from(new Set([...deliveries, ...outcomes].map(({ name }) => name)))
    .filter((endpoint) => !Object.hasOwn(deliver, endpoint))
    .map((endpoint) => ({ gone: 'endpoint', pipeline, endpoint, deliveries: of(deliveries, endpoint), outcomes: of(outcomes, endpoint) }));
}

function timersIn({ pipeline, timers }: StoredPipeline, declared: AnyPipeline): readonly Leftover[] {
  return timers
    .filter(({ name }) => !Object.hasOwn(declared.timers, name))
    .map(({ name, count }) => ({ gone: 'timer', pipeline, timer: name, timers: count }));
}

function stateIn({ pipeline, states }: StoredPipeline, { state }: AnyPipeline): readonly Leftover[] {
  return state === undefined && states !== null && states > 0 ? [{ gone: 'state', pipeline, states }] : [];
}

/** The key of a schedule is the name of its pipeline. */
function schedulesIn({ keys }: StoredPipeline, declared: Declared): readonly Leftover[] {
  return keys.filter((pipeline) => declared.get(pipeline)?.schedule === undefined).map((pipeline) => ({ gone: 'schedule', pipeline }));
}

function sumOf(counts: readonly NamedCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}
