import type { Witness } from '../../ledger.ts';

/** Witnesses the events by their rows: each event is its own key, and leaves one row. */
export const eventsWitness: Witness = {
  pipeline: 'events',
  numbered: false,
  endpoints: [],
  nameOf: ({ id }) => id,
  async turns(store) {
    const rows = await store.query('SELECT id FROM processed_events', []);
    return rows.map(({ id }) => ({ key: String(id), cause: { kind: 'event', name: String(id) }, armed: [], asked: [], sent: [] }));
  },
};
