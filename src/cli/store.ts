import type { Command } from 'commander';
import type { Environment } from '../configuration/setting.ts';
import { endWhenAsked, type StopOrders } from './stop-orders.ts';
import { addStoreDelete } from './store/delete.ts';
import { addStoreList } from './store/list.ts';

/** Adds `millrace store` and what can be done to a store. */
export function addStore(program: Command, environment: Environment, orders: StopOrders): void {
  const store = program
    .command('store')
    .summary('look at what is stored of each pipeline, or delete all of one')
    .description('Looks at what is stored of each pipeline, declared or not, or deletes all that is stored of one.')
    .hook('preAction', () => endWhenAsked(orders));
  addStoreList(store, environment);
  addStoreDelete(store, environment);
}
