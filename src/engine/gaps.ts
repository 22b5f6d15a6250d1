import type { GapWrite, StoredGap } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { TenureContext } from './engine-context.ts';
import type { GapWatch } from './gap-watch.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { Lookout } from './lookout.ts';

/** A gap that closes sooner is never written, so numbers that arrive slightly out of order cost no write. In milliseconds. */
const noteAfterMs = 1_000;
/** Gaps read from the store at once. */
const lookMax = 512;

/**
 * The keys of a partition that wait for a number. Lanes report when their wait begins and ends. A lasting wait is noted in the store, in
 * order of age, and costs no memory from then on: the store knows which gap is the oldest and which are overdue, and a single alarm covers
 * all of them. Overdue gaps are skipped a few hundred at a time, however many there are.
 *
 * The age of a gap counts from the acceptance of the first waiting event. If the wall clock is set back, it counts from that change.
 */
export class Gaps {
  readonly #context: TenureContext;
  readonly #lanes: Lanes;
  readonly #watch: GapWatch;
  /** Undefined: a key waits indefinitely. */
  readonly #skipAfterMs: number | undefined;
  readonly #lookout: Lookout;
  /** Lanes whose gap is not noted in its current form, and since when, in elapsed time, in this order. They stay in memory until it is. */
  readonly #young = new Map<Lane, number>();
  #disarmNote: (() => void) | undefined;
  #disarmSoon: (() => void) | undefined;
  #endWatch: (() => void) | undefined;
  /** True if gaps may count from a moment in the future: the clock was set back, perhaps while no engine was running. */
  #mayBeAhead = true;
  #closed = false;

  constructor(context: TenureContext, lanes: Lanes) {
    this.#context = context;
    this.#lanes = lanes;
    const { engine, pipeline, partition, drafted, failed } = context;
    this.#watch = partition.gapWatch;
    this.#skipAfterMs = pipeline.declaration.order?.skipAfterMs;
    this.#lookout = new Lookout({ clock: engine.clock, look: () => this.#takeOverdue(), looked: drafted, failed });
  }

  get isIdle(): boolean {
    return !this.#lookout.isLooking;
  }

  /** @param noted number of gaps noted by an earlier tenure */
  start(noted: number): void {
    this.#endWatch = this.#context.engine.clock.whenTurnedBack(() => {
      this.#mayBeAhead = true;
      this.#lookout.look();
    });
    this.#watch.begin(noted);
    if (noted > 0) this.#lookout.look();
    else this.#watch.see(undefined);
  }

  /** Notes that the lane waits for a number, with its first waiting event. */
  begin(lane: Lane, { order, acceptedAt }: Pick<Waiting, 'order' | 'acceptedAt'>): void {
    const { clock } = this.#context.engine;
    const skipAfterMs = this.#skipAfterMs;
    const { since } = lane.beginGap(order, Math.min(acceptedAt, clock.now()));
    this.#young.delete(lane);
    this.#young.set(lane, clock.elapsedMs());
    this.#armNote(noteAfterMs);
    if (skipAfterMs !== undefined) this.#lookout.lookAt(since + skipAfterMs);
  }

  /** Notes that the lane has its number, or no longer waits for it. */
  end(lane: Lane): void {
    this.#young.delete(lane);
    if (lane.endGap()) this.#draft(lane, null);
  }

  /** Writes unnoted gaps to the store. Resolves when they are on disk. */
  async note(): Promise<void> {
    this.#write(Number.POSITIVE_INFINITY);
    await this.#context.committed();
  }

  /** Applies notes that are on disk. */
  committed(writes: readonly GapWrite[], added: number): void {
    const gapWatch = this.#watch;
    gapWatch.committed(added);
    // The look under way may have read an older version.
    if (this.#lookout.isLooking) this.#lookSoon();
    for (const { key, gap } of writes) {
      if (gap !== null) gapWatch.noted({ key, ...gap });
      else if (gapWatch.oldest?.key === key) this.#lookSoon();
    }
    this.#lookout.lookAt(gapWatch.alarmAt);
    // Their lanes may be forgotten now, and nothing else may trigger that.
    this.#lanes.sweep();
  }

  close(): void {
    this.#closed = true;
    this.#endWatch?.();
    this.#disarmNote?.();
    this.#disarmSoon?.();
    this.#lookout.close();
  }

  #armNote(afterMs: number): void {
    const { clock } = this.#context.engine;
    this.#disarmNote ??= clock.after(afterMs, () => {
      this.#disarmNote = undefined;
      try {
        this.#write(clock.elapsedMs() - noteAfterMs);
      } catch (error) {
        this.#context.failed(error);
      }
    });
  }

  /** Drafts the notes of gaps that began by `begunBy`, in elapsed time. */
  #write(begunBy: number): void {
    for (const [lane, begunAt] of this.#young) {
      if (begunAt > begunBy) {
        this.#armNote(begunAt - begunBy);
        return;
      }
      this.#young.delete(lane);
      this.#draft(lane, lane.noteGap());
    }
  }

  #draft(lane: Lane, gap: GapWrite['gap']): void {
    const draft = this.#context.draft();
    lane.changeIn(draft.number);
    draft.gaps.push({ key: lane.key, gap });
    this.#context.drafted();
  }

  /** Many gaps may close one after another, each being the oldest in turn. */
  #lookSoon(): void {
    if (this.#closed) return;
    this.#disarmSoon ??= this.#context.engine.clock.after(noteAfterMs, () => {
      this.#disarmSoon = undefined;
      this.#lookout.look();
    });
  }

  async #takeOverdue(): Promise<void> {
    const { store, clock } = this.#context.engine;
    const { id } = this.#context.partition;
    const skipAfterMs = this.#skipAfterMs;
    // A clock set back from here on is the next look's concern: a gap noted now may carry a later moment.
    const mayBeAhead = this.#mayBeAhead;
    this.#mayBeAhead = false;
    await this.note();
    if (mayBeAhead) await this.#countFromNow();
    // One moment for both: anything that becomes overdue meanwhile is left to the next look.
    const begunBy = clock.now() - (skipAfterMs ?? 0);
    if (skipAfterMs !== undefined) await this.#skipOverdue(begunBy);
    if (this.#closed) return;
    const [oldest] = await store.gaps(id, { limit: 1 });
    this.#watch.see(oldest);
    this.#lookout.lookAt(this.#watch.alarmAt);
    if (skipAfterMs === undefined) return;
    // An overdue gap that was not skipped resolves by itself, once its lane proceeds.
    const [next] = await store.gaps(id, { after: firstPlaceFrom(Math.floor(begunBy) + 1), limit: 1 });
    if (next !== undefined) this.#lookout.lookAt(next.since + skipAfterMs);
  }

  async #skipOverdue(begunBy: number): Promise<void> {
    const lanes = this.#lanes;
    for await (const gaps of this.#pages({ until: begunBy })) {
      const isInMemory = ({ key }: StoredGap) => lanes.peek(key) !== undefined;
      await Promise.all(gaps.filter(isInMemory).map(({ key }) => lanes.skipOverdue(key)));
      for (const { key } of gaps) {
        if (await this.#isBroughtIn(key)) await lanes.skipOverdue(key);
      }
      await this.#context.committed();
      lanes.sweep();
    }
  }

  /** After the clock was set back, makes gaps that count from a later moment count from now. */
  async #countFromNow(): Promise<void> {
    const lanes = this.#lanes;
    const now = this.#context.engine.clock.now();
    for await (const gaps of this.#pages({ after: firstPlaceFrom(now + 1) })) {
      for (const { key } of gaps) {
        await this.#isBroughtIn(key);
        const lane = lanes.peek(key);
        if (lane?.gap !== undefined) this.#draft(lane, lane.turnGapBack(now));
      }
      lanes.sweep();
    }
    await this.#context.committed();
  }

  /** Loads a lane of a page that is not in memory: when states fill all the room, some come one by one. Returns whether it did. */
  async #isBroughtIn(key: string): Promise<boolean> {
    if (this.#closed || this.#lanes.peek(key) !== undefined) return false;
    await this.#lanes.warm([key]);
    return true;
  }

  /** Yields pages of noted gaps, oldest first, with their lanes in memory as far as there is room. */
  async *#pages(query: { readonly until?: number; readonly after?: StoredPlace }): AsyncGenerator<readonly StoredGap[]> {
    const { engine, partition } = this.#context;
    let { after } = query;
    for (;;) {
      const gaps: readonly StoredGap[] = await engine.store.gaps(partition.id, { ...query, after, limit: lookMax });
      await this.#lanes.warm(gaps.map(({ key }) => key));
      if (this.#closed || gaps.length === 0) return;
      yield gaps;
      if (gaps.length < lookMax) return;
      after = gaps.at(-1);
    }
  }
}

type StoredPlace = Pick<StoredGap, 'since' | 'key'>;

/** The place before all gaps of a moment: no key is empty. */
function firstPlaceFrom(since: number): StoredPlace {
  return { since, key: '' };
}
