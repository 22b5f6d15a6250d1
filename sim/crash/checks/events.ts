import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../../../src/store/store.ts';
import type { EventsLoad } from '../loads/events.ts';

/** Checks that each row belongs to a sent event, and has its contents. */
export async function checkEvents({ planned }: EventsLoad, store: Store): Promise<readonly string[]> {
  const rows = await store.query('SELECT id, type, source, processed_data FROM processed_events', []);
  return rows.flatMap(({ id, type, source, processed_data }) => {
    const event = planned.get(String(id));
    const data = JSON.parse(String(processed_data));
    const isSame = event !== undefined && event.type === type && event.source === source && isDeepStrictEqual(data, event.data);
    return isSame ? [] : [`events: the row of ${id} is ${type} ${source} ${processed_data}, and ${JSON.stringify(event)} was sent`];
  });
}
