import type { InventoryQuery, StoredPipeline } from '../store.ts';
import { readInventory } from './partition/inventory.ts';
import { readFile } from './read-file.ts';

/** Counts a database's contents at one moment, whoever owns it, without writing anything. Throws as {@link readFile} does. */
export function inventoryOfFile(file: string, query: InventoryQuery): readonly StoredPipeline[] {
  return readFile(file, (db) => readInventory(db, query));
}
