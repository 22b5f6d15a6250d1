import type { InventoryQuery, StoredPipeline } from '../store.ts';
import { readInventory } from './partition/inventory.ts';
import { readFile } from './read-file.ts';

/** Counts what lies in a database, at one moment, whoever owns it: nothing is written. Throws as {@link readFile} does. */
export function inventoryOfFile(file: string, query: InventoryQuery): readonly StoredPipeline[] {
  return readFile(file, (db) => readInventory(db, query));
}
