import { integerBetween, system } from '../../src/server/index.ts';
import { workersPipeline } from './pipeline.ts';
import { addRoutes } from './routes.ts';
import { workersMax } from './speech.ts';
import type { Observe } from './spoken.ts';

/** Replaceable parts. */
export interface WorkersOptions {
  /** Called for each message said; logged by default. */
  readonly observe?: Observe;
}

const settings = {
  workers: {
    variable: 'TALKING_WORKERS',
    meaning: 'number of workers, numbered from 1',
    values: integerBetween(1, workersMax),
    otherwise: '5',
  },
} as const;

/**
 * Returns the system with a custom observer.
 *
 * ```ts
 * export default workersSystem({ observe: ({ worker, message }) => console.log(worker, message) });
 * ```
 */
export function workersSystem({ observe }: WorkersOptions = {}) {
  return system({
    name: 'workers',
    title: 'Workers',
    description: 'Workers that talk: each message reaches its worker once and in order, and each worker remembers the last one it heard.',
    settings,
    build: ({ workers }) => ({
      pipelines: [workersPipeline({ workers, ...(observe && { observe }) })],
      routes: (app, mill) => addRoutes(app, mill, workers),
    }),
  });
}

/** Lets workers talk over an API. */
export const workers = workersSystem();
