import { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { LoggedEvent, PartitionId, Standing, Store } from '../store/store.ts';
import { isTogether } from './identify.ts';

/** The form in which an event was accepted. */
type Accepted = Pick<LoggedEvent, 'key' | 'id' | 'number' | 'body'>;

/**
 * Refuses a pipeline that now orders or keys its events differently from those still waiting: numbers and positions do not form one order,
 * and an event accepted without a key belongs to none. All waiting events were accepted in the same way, since every start checks this, so
 * looking at one is enough.
 *
 * Throws `MILL_INVALID_DECLARATION`.
 */
export async function checkBacklog(store: Store, partition: PartitionId, pipeline: AnyPipeline, claim: Standing): Promise<void> {
  const event = await oneWaiting(store, partition, claim);
  const reason = event && whyOtherwise(pipeline, event);
  if (reason === undefined) return;
  throw new MillraceError(
    'MILL_INVALID_DECLARATION',
    `pipeline ${pipeline.name}: ${reason}. Start the previous declaration again until nothing waits, or use another name.`,
  );
}

/** Returns how an event's acceptance differs from the way the pipeline accepts events now; undefined if it does not. */
export function whyOtherwise({ order, key: keyOf }: AnyPipeline, { key, id, number, body }: Accepted): string | undefined {
  if (order !== undefined && number === null) return `it declares order, but event ${id} was accepted without a number`;
  if (order === undefined && number !== null) return `it declares no order, but event ${id} was accepted`;
  if (keyOf === undefined) return key === id ? undefined : `it declares no key, but event ${id} was accepted with key ${key}`;
  if (key !== id || keyFrom(body, keyOf) === key) return undefined;
  return `it declares key, but event ${id} was accepted without one`;
}

/** Returns a held event, or else the first unsettled one in the log. */
async function oneWaiting(store: Store, partition: PartitionId, { cursor, head, held }: Standing): Promise<LoggedEvent | undefined> {
  const [key] = held > 0 ? await store.heldKeys(partition, null, 1) : [];
  if (key !== undefined) return (await store.held(partition, key, 0, 1))[0];
  return head > cursor ? (await store.read(partition, cursor, 1))[0] : undefined;
}

/** Returns the key the pipeline would derive from an event now. An event of an earlier schema may yield none; then it keeps its own key. */
function keyFrom(body: string, keyOf: (event: unknown) => string): string | undefined {
  try {
    return keyOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** The error for pipelines whose keys are in other partitions than the engine would now look in. */
export function misplacedKeys(pipelines: readonly AnyPipeline[]): MillraceError {
  const reasons = pipelines.map((pipeline) => {
    const [expected, found] = isTogether(pipeline) ? ['no schedule', 'one'] : ['a schedule', 'none'];
    return `pipeline ${pipeline.name}: its keys were stored with ${expected}; it now declares ${found}`;
  });
  return new MillraceError(
    'MILL_INVALID_DECLARATION',
    `${reasons.join('; ')}. All keys of a pipeline with a schedule live in one partition. Use another name, or copy the database with the new declaration (millrace copy).`,
  );
}
