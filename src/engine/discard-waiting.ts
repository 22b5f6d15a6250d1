import type { DeadLetter, GapWrite, Hold, KeyRecord, KeyUpdate, Lease, PartitionId, Release, Store } from '../store/store.ts';

export interface DiscardMeans {
  readonly store: Store;
  readonly partition: PartitionId;
  readonly pipeline: { readonly order?: unknown };
  /** Reports discarded events, once on disk. `letters` are the dead letters of those that had parked their key. */
  discarded(events: number, letters: readonly string[]): void;
}

/** Maximum held events per commit, as far as keys allow: releasing a number range takes all of a key. */
const releasedMax = 10_000;
/** Keys and events read at once. */
const readMax = 512;
/** Dead letters of one key read at once. More than one parks a key only after a store failure. */
const lettersMax = 100;
const nothing = { keys: [], timers: [], outcomes: [], deliveries: [], rows: [], deadLetters: [], sends: [] };

/**
 * Discards all accepted, unsettled events of a partition, or of one key, without running a turn. A parked event's dead letter is discarded
 * too. States, timers, deliveries and outcomes stay, as does the number that a key waits for. Returns the number of events.
 *
 * No tenure may be active: this claims the partition, and would invalidate what lanes hold in memory. It commits in bounded slices, so it
 * may fail after some of them.
 */
export async function discardWaiting(means: DiscardMeans, only: string | undefined): Promise<number> {
  const discard = new Discard(means, await means.store.claim(means.partition));
  await discard.held(only);
  if (means.pipeline.order === undefined) await discard.logged(only);
  else await discard.passAll();
  return discard.count;
}

class Discard {
  count = 0;
  readonly #means: DiscardMeans;
  #lease: Lease;
  #cursor: number;

  constructor(means: DiscardMeans, lease: Lease) {
    this.#means = means;
    this.#lease = lease;
    this.#cursor = lease.standing.cursor;
  }

  async held(only: string | undefined): Promise<void> {
    const { store, partition } = this.#means;
    if (only !== undefined) return this.#heldOf([only]);
    for (let after: string | null = null; ; ) {
      const keys: readonly string[] = await store.heldKeys(partition, after, readMax);
      if (keys.length === 0) return;
      await this.#heldOf(keys);
      after = keys.at(-1) ?? null;
    }
  }

  /** Handles events in the log that were never dispatched, or had no room among the held ones. */
  async logged(only: string | undefined): Promise<void> {
    if (only !== undefined) return this.#loggedOf(only);
    const { head } = this.#lease.standing;
    const events = head - this.#cursor;
    this.#cursor = head;
    if (events > 0) await this.#commit({ events });
  }

  /** Moves the cursor past all numbered events, which are held or settled: from the log they would reach their lanes again. */
  async passAll(): Promise<void> {
    // Some may have arrived, and been released, since the first claim.
    this.#lease = await this.#means.store.claim(this.#means.partition);
    this.#cursor = this.#lease.standing.head;
    await this.#commit({});
  }

  async #heldOf(keys: readonly string[]): Promise<void> {
    const records = await this.#means.store.load(this.#means.partition, keys);
    let slice: { readonly key: string; readonly record: KeyRecord }[] = [];
    let events = 0;
    for (const [at, record] of records.entries()) {
      const key = keys[at] as string;
      if (events + record.held > releasedMax) {
        await this.#release(slice);
        slice = [];
        events = 0;
      }
      await this.#thin(key, record);
      slice.push({ key, record });
      events += record.held;
    }
    await this.#release(slice);
  }

  /** Releases most of a key's held events, if they exceed one commit: those after its first, by position. */
  async #thin(key: string, record: KeyRecord): Promise<void> {
    if (record.held <= releasedMax || record.heldFrom === null || this.#means.pipeline.order !== undefined) return;
    const { head } = this.#lease.standing;
    for (let from = record.heldFrom + 1; from <= head; from += releasedMax) {
      await this.#commit({ releases: [{ key, from, to: Math.min(from + releasedMax - 1, head) }] });
    }
  }

  async #release(slice: readonly { readonly key: string; readonly record: KeyRecord }[]): Promise<void> {
    if (slice.length === 0) return;
    const parked = slice.filter(({ record }) => record.parked);
    const letters: DeadLetter[] = [];
    for (const { key } of parked) letters.push(...(await this.#parkingLetters(key)));
    const parking = new Set(letters.map(({ key }) => key));
    await this.#commit({
      events: slice.reduce((total, { record }) => total + record.held, 0),
      releases: slice.map(({ key }) => ({ key, from: 0, to: Number.MAX_SAFE_INTEGER })),
      // A key parked by hand stays parked.
      keys: parked.flatMap(({ key, record: { state, next } }) => (parking.has(key) ? [{ key, state, next, parked: false }] : [])),
      gaps: slice.filter(({ record }) => record.gap !== null).map(({ key }) => ({ key, gap: null })),
      resolvedDeadLetters: letters.map(({ id }) => id),
    });
  }

  async #parkingLetters(key: string): Promise<readonly DeadLetter[]> {
    const { store, partition } = this.#means;
    const parking: DeadLetter[] = [];
    for (let after: string | undefined; ; ) {
      const letters = await store.deadLetters({
        pipeline: partition.pipeline,
        key,
        limit: lettersMax,
        ...(after !== undefined && { after }),
      });
      parking.push(...letters.filter((letter) => letter.kind === 'event' && letter.parked));
      if (letters.length < lettersMax) return parking;
      after = letters.at(-1)?.id;
    }
  }

  /** The cursor passes the events of all keys, so those of other keys must be held from now on. */
  async #loggedOf(only: string): Promise<void> {
    const { store, partition } = this.#means;
    const { head } = this.#lease.standing;
    while (this.#cursor < head) {
      const page = (await store.read(partition, this.#cursor, readMax)).filter(({ position }) => position <= head);
      const last = page.at(-1);
      if (last === undefined) return;
      const others = page.filter(({ key }) => key !== only);
      this.#cursor = last.position;
      await this.#commit({
        events: page.length - others.length,
        holds: others.map(({ key, position }) => ({ key, order: position, position, attempts: 0, retryAt: null })),
      });
    }
  }

  async #commit({ events = 0, holds = [], releases = [], keys = [], gaps = [], resolvedDeadLetters = [] }: Slice): Promise<void> {
    const { discarded } = this.#means;
    await this.#lease.commit({
      ...nothing,
      cursor: this.#cursor,
      holds,
      releases,
      keys,
      gaps,
      resolvedDeadLetters,
    });
    this.count += events;
    discarded(events, resolvedDeadLetters);
  }
}

interface Slice {
  readonly events?: number;
  readonly holds?: readonly Hold[];
  readonly releases?: readonly Release[];
  readonly keys?: readonly KeyUpdate[];
  readonly gaps?: readonly GapWrite[];
  readonly resolvedDeadLetters?: readonly string[];
}
