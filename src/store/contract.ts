/**
 * The requirements of the port in `store.ts`, as tests. Every implementation must pass them, ours and any other:
 *
 * ```ts
 * storeContract('my store', {
 *   async create() {
 *     const folder = await mkdtemp(join(tmpdir(), 'my-store-'));
 *     const store = myStore(join(folder, 'test.db'));
 *     return {
 *       async open(declaration) {
 *         await store.open(declaration);
 *         return store;
 *       },
 *       async dispose() {
 *         await store.close();
 *         await rm(folder, { recursive: true });
 *       },
 *     };
 *   },
 * });
 * ```
 *
 * The contract's statements are SQL that every dialect understands; parameters follow the store's `dialect`.
 */

import { describe } from 'node:test';
import { objectWith, text } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import { appendContract } from './contract/append.ts';
import { appendModelContract } from './contract/append-model.ts';
import { auditContract } from './contract/audit.ts';
import { columnsContract } from './contract/columns.ts';
import { commandsContract } from './contract/commands.ts';
import { commitContract } from './contract/commit.ts';
import { deadLetterGroupsContract } from './contract/dead-letter-groups.ts';
import { deadLettersContract } from './contract/dead-letters.ts';
import { deliveriesContract } from './contract/deliveries.ts';
import { deliveriesModelContract } from './contract/deliveries-model.ts';
import { type StoreHarness, storeTest } from './contract/fixtures.ts';
import { gapsContract } from './contract/gaps.ts';
import { heldContract } from './contract/held.ts';
import { inboxContract } from './contract/inbox.ts';
import { inventoryContract } from './contract/inventory.ts';
import { keyListContract } from './contract/key-list.ts';
import { keysContract } from './contract/keys.ts';
import { lifeContract } from './contract/life.ts';
import { listSizesContract } from './contract/list-sizes.ts';
import { logContract } from './contract/log.ts';
import { migrationContract } from './contract/migration.ts';
import { namesContract } from './contract/names.ts';
import { operationsContract } from './contract/operations.ts';
import { originsContract } from './contract/origins.ts';
import { outcomesContract } from './contract/outcomes.ts';
import { overlapContract } from './contract/overlap.ts';
import { ownershipContract } from './contract/ownership.ts';
import { pausesContract } from './contract/pauses.ts';
import { pruneContract } from './contract/prune.ts';
import { rowsContract } from './contract/rows.ts';
import { sourceBatchesContract } from './contract/source-batches.ts';
import { timelineContract } from './contract/timeline.ts';
import { timersContract } from './contract/timers.ts';
import { waitingListsContract } from './contract/waiting-lists.ts';

export type { ContractDatabase, StoreHarness } from './contract/fixtures.ts';

const parts = {
  log: logContract,
  'judging what is appended': appendContract,
  'judging at random': appendModelContract,
  ownership: ownershipContract,
  commit: commitContract,
  keys: keysContract,
  'lists of keys': keyListContract,
  'held events': heldContract,
  gaps: gapsContract,
  timers: timersContract,
  'lists of what waits': waitingListsContract,
  outcomes: outcomesContract,
  deliveries: deliveriesContract,
  'deliveries at random': deliveriesModelContract,
  'dead letters': deadLettersContract,
  'dead letters that are alike': deadLetterGroupsContract,
  operations: operationsContract,
  origins: originsContract,
  pauses: pausesContract,
  audit: auditContract,
  timeline: timelineContract,
  inventory: inventoryContract,
  inbox: inboxContract,
  commands: commandsContract,
  'batches of sources': sourceBatchesContract,
  'rows and queries': rowsContract,
  'lists of what is large': listSizesContract,
  'long names': namesContract,
  'declared tables': migrationContract,
  'bounded columns and moments': columnsContract,
  pruning: pruneContract,
  'overlapping calls': overlapContract,
  'closing and opening again': lifeContract,
};

/** Declares the contract's tests, under `name`, for the store that the harness creates. Call it in a file that `node --test` runs. */
export function storeContract(name: string, harness: StoreHarness): void {
  const place: Place = new Place('storeContract', 'MILL_INVALID_CONFIGURATION');
  text(name, place.at('name'));
  objectWith('a harness', ['create'])(harness, place.at('harness'));
  describe(`${name} fulfils the contract of a store`, () => {
    for (const [title, part] of Object.entries(parts)) describe(title, () => part(storeTest(harness)));
  });
}
