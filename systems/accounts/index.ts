import type { System } from '../../src/server/index.ts';
import type { Observe } from './happening.ts';
import { accountsPipeline } from './pipeline.ts';
import { addRoutes } from './routes.ts';

/** What can be replaced. */
export interface AccountsOptions {
  /** Is told what happens to accounts; by default it is logged. */
  readonly observe?: Observe;
}

/**
 * The system with an observer of your own.
 *
 * ```ts
 * export default accountsSystem({ observe: ({ event, id, version }) => console.log(event, id, version) });
 * ```
 */
export function accountsSystem({ observe }: AccountsOptions = {}): System {
  return {
    name: 'accounts',
    title: 'Accounts',
    description: 'Keeps the latest version of every account, and calls back for each version unless a newer one comes first.',
    pipelines: [accountsPipeline(observe)],
    routes: addRoutes,
  };
}

/** Takes versioned updates of accounts in. */
export const accounts = accountsSystem();
