import type { InventoryQuery, StoredPipeline } from '../store.ts';
import type { Connections } from './connection/connections.ts';
import type { Dialect, SqlSettings } from './dialect.ts';
import { readInventory } from './read/inventory.ts';
import { checkPresent } from './schema/check-tables.ts';

/**
 * Counts the contents of a database at one moment, whoever works on it, without writing anything or creating tables. Throws
 * `MILL_INVALID_CONFIGURATION` if it is not a Millrace database, `MILL_TABLE_CHANGED` for another version, and `MILL_STORE_…`.
 */
export async function inventoryOfDatabase<Settings extends SqlSettings, Open extends Connections>(
  dialect: Dialect<Settings, Open>,
  settings: Settings,
  query: InventoryQuery,
): Promise<readonly StoredPipeline[]> {
  const { checkServer, versions, metaOf, statements, errors } = dialect;
  const connections = await dialect.connect(settings);
  try {
    await checkServer(connections);
    return await connections.reading(async (transaction) => {
      checkPresent(await metaOf(transaction), settings.name, versions);
      return readInventory(transaction, statements.reads, query);
    });
  } catch (error) {
    throw errors.toStoreError(error, settings.name);
  } finally {
    await connections.close();
  }
}
