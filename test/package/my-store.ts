import { createServer, type MillServer, type ServerOptions, tokensIn } from 'millrace/server';
import {
  checkMoments,
  type Lease,
  type ListBounds,
  type LoggedEvent,
  MillraceError,
  type PartitionId,
  type Store,
  sizeOfEvent,
  upTo,
} from 'millrace/store';
import type { StoreHarness } from 'millrace/testing';

/** A user's own store: it keeps its events in memory before it asks another. */
export function cached(store: Store, log: readonly LoggedEvent[]): Store {
  return Object.assign(Object.create(store) as Store, {
    kind: 'cached',
    read: async (partition: PartitionId, after: number, limit: number, { charactersMax }: ListBounds = {}) => {
      if (partition.slice > 0) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'expected one slice');
      const found = log.filter(({ position }) => position > after).slice(0, limit);
      return upTo(found, sizeOfEvent, charactersMax);
    },
    claim: async (partition: PartitionId): Promise<Lease> => {
      const lease = await store.claim(partition);
      const commit: Lease['commit'] = async (work) => {
        checkMoments(work);
        return lease.commit(work);
      };
      return Object.assign(Object.create(lease) as Lease, { commit });
    },
  });
}

export const harness = (make: () => Store): StoreHarness => ({
  async create() {
    const store = make();
    return {
      async open(declaration) {
        await store.open(declaration);
        return store;
      },
      dispose: () => store.close(),
    };
  },
});

/** A user's own program that serves an engine. */
export async function served({ mill, log }: Pick<ServerOptions, 'mill' | 'log'>, tokens: string): Promise<MillServer> {
  const server = await createServer({
    mill,
    systems: [],
    log,
    limits: { bodyBytes: 1_000 },
    access: { tokens: tokensIn(tokens, 'TOKENS') },
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  return server;
}
