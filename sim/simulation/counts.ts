import type { PipelineCounts } from '../../src/engine/counts.ts';
import type { Store } from '../../src/store/store.ts';

/** Promise 9: what the engine says of itself at the end is what there is. The store is open, and claimed here. */
export async function checkCounts(
  counts: Readonly<Record<string, PipelineCounts>>,
  store: Store,
  broken: (what: string) => void,
): Promise<void> {
  for (const [pipeline, { depth, held, deadLetters, parked, deliveries, received, processed, failed }] of Object.entries(counts)) {
    const there = { held: 0, deadLetters: 0, parked: 0, deliveries: 0 };
    for (let slice = 0; slice < store.partitions; slice += 1) {
      const { standing } = await store.claim({ pipeline, slice });
      there.held += standing.held;
      there.deadLetters += standing.deadLetters;
      there.parked += standing.parked;
      there.deliveries += standing.deliveries;
    }
    const say = (what: string, said: number, is: number) => {
      if (said !== is) broken(`${pipeline}: the engine counts ${said} ${what}, and there are ${is}`);
    };
    say('events that wait', depth, there.held);
    say('held events', held, there.held);
    say('dead letters', deadLetters, there.deadLetters);
    say('parked keys', parked, there.parked);
    say('deliveries', deliveries, there.deliveries);
    say('received', received, processed + failed + depth);
  }
}
