import { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { LoggedEvent, PartitionId, Standing, Store } from '../store/store.ts';
import { isTogether } from './identify.ts';

/** What an event was accepted as. */
type Accepted = Pick<LoggedEvent, 'key' | 'id' | 'number' | 'body'>;

/**
 * Refuses a pipeline that now orders or keys its events in another way than those that still wait were accepted: a number and a
 * position are no places in one order, and an event that was accepted without a key is of no key. All that wait were accepted
 * in one way, since this is checked at every start, so a look at one of them is enough.
 *
 * Throws `MILL_INVALID_DECLARATION`.
 */
export async function checkBacklog(store: Store, partition: PartitionId, pipeline: AnyPipeline, claim: Standing): Promise<void> {
  const event = await oneWaiting(store, partition, claim);
  const reason = event && whyOtherwise(pipeline, event);
  if (reason === undefined) return;
  throw new MillraceError(
    'MILL_INVALID_DECLARATION',
    `pipeline ${pipeline.name}: ${reason}. Start the former declaration once more until nothing waits, or use another name.`,
  );
}

/** How an event was accepted in another way than the pipeline accepts events now; undefined where it was not. */
export function whyOtherwise({ order, key: keyOf }: AnyPipeline, { key, id, number, body }: Accepted): string | undefined {
  if (order !== undefined && number === null) return `expected events with numbers, as it declares order, found event ${id} without one`;
  if (order === undefined && number !== null) return `expected events without numbers, as it declares no order, found event ${id}`;
  if (keyOf === undefined)
    return key === id ? undefined : `expected events without keys, as it declares none, found event ${id} of key ${key}`;
  if (key !== id || keyFrom(body, keyOf) === key) return undefined;
  return `expected events with keys, as it declares key, found event ${id} without one`;
}

/** An event that is held, or else the first in the log that is not settled. */
async function oneWaiting(store: Store, partition: PartitionId, { cursor, head, held }: Standing): Promise<LoggedEvent | undefined> {
  const [key] = held > 0 ? await store.heldKeys(partition, null, 1) : [];
  if (key !== undefined) return (await store.held(partition, key, 0, 1))[0];
  return head > cursor ? (await store.read(partition, cursor, 1))[0] : undefined;
}

/** The key that the pipeline would take from an event now. An event of a former schema may have none: then nobody knows better than its key. */
function keyFrom(body: string, keyOf: (event: unknown) => string): string | undefined {
  try {
    return keyOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** Keys of pipelines lie in other partitions than those in which they are looked for now. */
export function misplacedKeys(pipelines: readonly AnyPipeline[]): MillraceError {
  const reasons = pipelines.map((pipeline) => {
    const [expected, found] = isTogether(pipeline) ? ['no schedule', 'one'] : ['a schedule', 'none'];
    return `pipeline ${pipeline.name}: expected ${expected}, as when its keys were stored, found ${found}`;
  });
  return new MillraceError(
    'MILL_INVALID_DECLARATION',
    `${reasons.join('; ')}. All keys of a pipeline with a schedule live in one partition. Use another name, or copy the database with the new declaration (millrace copy).`,
  );
}
