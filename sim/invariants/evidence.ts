import type { DeadLetter, HeldEvent, KeyRecord, LoggedEvent, PartitionId, Standing, Store } from '../../src/store/store.ts';
import type { AppliedTurn, Witness } from '../ledger.ts';

/** An event of the log, with its name in the ledger. */
export interface NamedEvent extends LoggedEvent {
  readonly name: string;
  readonly slice: number;
  /** True if it is accepted, but neither applied nor given up according to the store. */
  readonly isWaiting: boolean;
}

/** A store's data for a pipeline, and the records of its turns. */
export interface Evidence {
  readonly witness: Witness;
  readonly slices: readonly Slice[];
  /** In log order, slice after slice. */
  readonly events: readonly NamedEvent[];
  /** The turns of each key, in the order of effect. */
  readonly turns: ReadonlyMap<string, readonly AppliedTurn[]>;
  /** Every key with an event or a turn. */
  readonly keys: ReadonlyMap<string, KeyRecord>;
  readonly letters: readonly DeadLetter[];
}

interface Slice {
  readonly partition: PartitionId;
  readonly standing: Standing;
  readonly held: readonly HeldEvent[];
}

/** Items read at once. */
const batch = 1_000;

export async function gather(witness: Witness, store: Store): Promise<Evidence> {
  const slices: Slice[] = [];
  const events: NamedEvent[] = [];
  for (let slice = 0; slice < store.partitions; slice += 1) {
    const partition = { pipeline: witness.pipeline, slice };
    const lease = await store.claim(partition);
    const { standing } = lease;
    await lease.release();
    const held = await heldOf(store, partition);
    const isHeld = new Set(held.map(({ position }) => position));
    for (const event of await logOf(store, partition)) {
      // A numbered event is held from the moment it is accepted, wherever the cursor is.
      const isWaiting = isHeld.has(event.position) || (!witness.numbered && event.position > standing.cursor);
      events.push({ ...event, name: witness.nameOf(event), slice, isWaiting });
    }
    slices.push({ partition, standing, held });
  }
  const turns = Map.groupBy(await witness.turns(store), ({ key }) => key);
  const keys = new Set([...events.map(({ key }) => key), ...turns.keys()]);
  return { witness, slices, events, turns, keys: await recordsOf(store, witness.pipeline, keys), letters: await lettersOf(store, witness) };
}

async function logOf(store: Store, partition: PartitionId): Promise<readonly LoggedEvent[]> {
  const all: LoggedEvent[] = [];
  for (;;) {
    const some = await store.read(partition, all.at(-1)?.position ?? 0, batch);
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function heldOf(store: Store, partition: PartitionId): Promise<readonly HeldEvent[]> {
  const all: HeldEvent[] = [];
  for (let after: string | null = null; ; ) {
    const keys: readonly string[] = await store.heldKeys(partition, after, batch);
    if (keys.length === 0) return all;
    for (const key of keys) all.push(...(await heldOfKey(store, partition, key)));
    after = keys.at(-1) ?? null;
  }
}

async function heldOfKey(store: Store, partition: PartitionId, key: string): Promise<readonly HeldEvent[]> {
  const all: HeldEvent[] = [];
  for (;;) {
    const some = await store.held(partition, key, (all.at(-1)?.order ?? -1) + 1, batch);
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/** A key is known to only one slice; every other slice reports it as unknown. */
async function recordsOf(store: Store, pipeline: string, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, KeyRecord>> {
  const names = Array.from(keys);
  const records = new Map<string, KeyRecord>();
  for (let slice = 0; slice < store.partitions; slice += 1) {
    const found = await store.load({ pipeline, slice }, names);
    for (const [at, record] of found.entries()) {
      const name = names[at] as string;
      if (!records.has(name) || !isEmpty(record)) records.set(name, record);
    }
  }
  return records;
}

function isEmpty({ state, next, parked, held, timers, outcomes }: KeyRecord): boolean {
  return state === null && next === null && !parked && held + timers.length + outcomes.length === 0;
}

async function lettersOf(store: Store, { pipeline }: Witness): Promise<readonly DeadLetter[]> {
  const all: DeadLetter[] = [];
  for (;;) {
    const after = all.at(-1)?.id;
    const some = await store.deadLetters({ pipeline, limit: batch, ...(after !== undefined && { after }) });
    if (some.length === 0) return all;
    all.push(...some);
  }
}
