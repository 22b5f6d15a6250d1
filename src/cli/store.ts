import type { Command } from 'commander';
import type { Environment } from '../configuration/setting.ts';
import { endWhenAsked, type StopOrders } from './stop-orders.ts';
import { addStoreDelete } from './store/delete.ts';
import { addStoreList } from './store/list.ts';

/** Adds `millrace store` and its subcommands. */
export function addStore(program: Command, environment: Environment, orders: StopOrders): void {
  const store = program
    .command('store')
    .summary('list the stored work of each pipeline, or delete a pipeline')
    .description('Lists the stored work of each pipeline, declared or not, or deletes everything stored for one pipeline.')
    .hook('preAction', () => endWhenAsked(orders));
  addStoreList(store, environment);
  addStoreDelete(store, environment);
}
