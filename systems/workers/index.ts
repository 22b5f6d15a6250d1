import { integerBetween, system } from '../../src/server/index.ts';
import { workersPipeline } from './pipeline.ts';
import { addRoutes } from './routes.ts';
import { workersMax } from './speech.ts';
import type { Observe } from './spoken.ts';

/** Replaceable parts. */
export interface WorkersOptions {
  /** Called for everything that is said; by default it is logged. */
  readonly observe?: Observe;
}

const settings = {
  workers: {
    variable: 'TALKING_WORKERS',
    meaning: 'workers that talk to each other, numbered from 1',
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
    description: 'Workers that talk: what one says reaches another, once and in order, and each remembers what it heard last.',
    settings,
    build: ({ workers }) => ({
      pipelines: [workersPipeline({ workers, ...(observe && { observe }) })],
      routes: (app, mill) => addRoutes(app, mill, workers),
    }),
  });
}

/** Lets workers talk over an API. */
export const workers = workersSystem();
