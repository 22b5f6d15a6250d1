import type { PipelineCounts } from '../../src/engine/counts.ts';
import type { Store } from '../../src/store/store.ts';

/** Promise 9: the engine's final counts match the store. The store is open, and claimed here. */
export async function checkCounts(
  engines: readonly Readonly<Record<string, PipelineCounts>>[],
  store: Store,
  broken: (what: string) => void,
): Promise<void> {
  for (const pipeline of Object.keys(engines[0] ?? {})) {
    const sum = (name: 'depth' | 'held' | 'deadLetters' | 'parked' | 'deliveries' | 'received' | 'processed' | 'failed') =>
      engines.reduce((total, counts) => total + (counts[pipeline]?.[name] ?? 0), 0);
    const there = { held: 0, deadLetters: 0, parked: 0, deliveries: 0 };
    for (let slice = 0; slice < store.partitions; slice += 1) {
      const lease = await store.claim({ pipeline, slice });
      const { standing } = lease;
      await lease.release();
      there.held += standing.held;
      there.deadLetters += standing.deadLetters;
      there.parked += standing.parked;
      there.deliveries += standing.deliveries;
    }
    const say = (what: string, said: number, is: number) => {
      if (said !== is) broken(`${pipeline}: the engine counts ${said} ${what}, but there are ${is}`);
    };
    say('events that wait', sum('depth'), there.held);
    say('held events', sum('held'), there.held);
    say('dead letters', sum('deadLetters'), there.deadLetters);
    say('parked keys', sum('parked'), there.parked);
    say('deliveries', sum('deliveries'), there.deliveries);
    say('received', sum('received'), sum('processed') + sum('failed') + sum('depth'));
  }
}
