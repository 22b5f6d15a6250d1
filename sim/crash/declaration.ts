import { millrace } from '../../src/engine/mill.ts';
import type { TimelinePlace } from '../../src/engine/timeline-page.ts';
import type { AnyPipeline } from '../../src/pipeline/pipeline.ts';
import { configure } from '../../src/server/system.ts';
import { sqlite } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { systems } from '../../systems/index.ts';
import type { Witness } from '../ledger.ts';

/** Returns the pipelines of all systems, as the server has them with these variables. */
export function pipelinesOf(environment: Readonly<Record<string, string>>): readonly AnyPipeline[] {
  return systems.flatMap((system) => configure(system, environment).pipelines);
}

/** Opens a database whose server has ended, inspects it, and closes it. */
export async function withStore<T>(database: string, look: (store: Store) => Promise<T>): Promise<T> {
  const pipelines = pipelinesOf({});
  const store = sqlite(database);
  await store.open({
    pipelines: pipelines.map(({ name, order }) => ({ name, numbered: order !== undefined })),
    tables: pipelines.flatMap(({ tables }) => Object.values(tables)),
  });
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}

/** Pipelines whose witnesses know every decision of every turn. */
const told: ReadonlySet<string> = new Set(['rockets', 'events', 'workers']);

/** Lets witnesses of an open database read timelines, by an engine that is never started. */
export function withTimelines(witnesses: readonly Witness[], store: Store): readonly Witness[] {
  const reader = millrace({ store, pipelines: pipelinesOf({}) });
  return witnesses.map((witness) => {
    if (!told.has(witness.pipeline)) return witness;
    const timeline: Witness['timeline'] = (_, key, { limit, place }) =>
      reader.timeline(witness.pipeline, key, { limit, place: place as TimelinePlace | undefined });
    return { ...witness, timeline };
  });
}
