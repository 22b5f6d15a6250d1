import type { System } from '../../src/server/index.ts';
import type { Observe } from './happening.ts';
import { accountsPipeline } from './pipeline.ts';
import { addRoutes } from './routes.ts';

/** Replaceable parts. */
export interface AccountsOptions {
  /** Called for each happening of an account; logged by default. */
  readonly observe?: Observe;
}

/**
 * Returns the system with a custom observer.
 *
 * ```ts
 * export default accountsSystem({ observe: ({ event, id, version }) => console.log(event, id, version) });
 * ```
 */
export function accountsSystem({ observe }: AccountsOptions = {}): System {
  return {
    name: 'accounts',
    title: 'Accounts',
    description: 'Keeps the latest version of every account, and fires a callback for each version unless a newer one arrives first.',
    pipelines: [accountsPipeline(observe)],
    routes: addRoutes,
  };
}

/** Processes versioned updates of accounts. */
export const accounts = accountsSystem();
