import type { AnyPipeline } from '../../src/pipeline/pipeline.ts';
import { configure } from '../../src/server/system.ts';
import { sqlite } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { systems } from '../../systems/index.ts';

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
