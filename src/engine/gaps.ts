import type { GapWrite, PartitionId, Store, StoredGap } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Draft } from './draft.ts';
import type { GapWatch } from './gap-watch.ts';
import type { Lane, Waiting } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { Lookout } from './lookout.ts';

export interface GapsMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly partition: PartitionId;
  readonly lanes: Lanes;
  readonly gapWatch: GapWatch;
  /** Undefined: a key waits for ever. */
  readonly skipAfterMs: number | undefined;
  /** The draft that takes what is decided now. */
  draft(): Draft;
  /** Something was drafted. */
  drafted(): void;
  /** Resolves once all that is drafted by now is on disk. */
  committed(): Promise<void>;
  /** There is nothing to look for until the next alarm. */
  looked(): void;
  failed(error: unknown): void;
}

/** A gap that closes sooner is never written, so numbers that arrive out of order and in time cost no write. In milliseconds. */
const noteAfterMs = 1_000;
/** Gaps that are taken from the store at once. */
const lookMax = 512;

/**
 * The keys of a partition that wait for a number. A lane says when its wait begins and ends. A wait that lasts is noted in the store,
 * in the order of its age, and costs no memory from then on: the store knows which gap is the oldest and which are overdue, and one
 * alarm stands for all of them. Overdue gaps are skipped some hundred at a time, however many there are.
 *
 * The age of a gap counts from the acceptance of the first event that waits. Where the wall clock is set back, it counts from the change.
 */
export class Gaps {
  readonly #means: GapsMeans;
  readonly #lookout: Lookout;
  /** Lanes whose gap is not noted as it stands, and since when, in elapsed time, in this order. They stay in memory until it is. */
  readonly #young = new Map<Lane, number>();
  #disarmNote: (() => void) | undefined;
  #disarmSoon: (() => void) | undefined;
  #endWatch: (() => void) | undefined;
  /** Whether gaps may count from a moment that lies ahead: the clock was set back, perhaps while nobody was here. */
  #mayBeAhead = true;
  #closed = false;

  constructor(means: GapsMeans) {
    this.#means = means;
    const { clock, looked, failed } = means;
    this.#lookout = new Lookout({ clock, look: () => this.#takeOverdue(), looked, failed });
  }

  get isIdle(): boolean {
    return !this.#lookout.isLooking;
  }

  /** @param noted how many gaps an earlier tenure noted */
  start(noted: number): void {
    this.#endWatch = this.#means.clock.whenTurnedBack(() => {
      this.#mayBeAhead = true;
      this.#lookout.look();
    });
    this.#means.gapWatch.count = noted;
    if (noted > 0) this.#lookout.look();
    else this.#means.gapWatch.see(undefined);
  }

  /** The lane waits for a number, and this is the first event that waits. */
  begin(lane: Lane, { order, acceptedAt }: Pick<Waiting, 'order' | 'acceptedAt'>): void {
    const { clock, skipAfterMs } = this.#means;
    const { since } = lane.beginGap(order, Math.min(acceptedAt, clock.now()));
    this.#young.delete(lane);
    this.#young.set(lane, clock.elapsedMs());
    this.#armNote(noteAfterMs);
    if (skipAfterMs !== undefined) this.#lookout.lookAt(since + skipAfterMs);
  }

  /** The lane has its number, or waits for it no longer. */
  end(lane: Lane): void {
    this.#young.delete(lane);
    if (lane.endGap()) this.#draft(lane, null);
  }

  /** Notes in the store what is not noted yet. Resolves when it is on disk. */
  async note(): Promise<void> {
    this.#write(Number.POSITIVE_INFINITY);
    await this.#means.committed();
  }

  /** Notes are on disk. */
  committed(writes: readonly GapWrite[], added: number): void {
    const { gapWatch } = this.#means;
    gapWatch.count += added;
    for (const { key, gap } of writes) {
      if (gap !== null) gapWatch.noted({ key, ...gap });
      else if (gapWatch.oldest?.key === key) this.#lookSoon();
    }
    this.#lookout.lookAt(gapWatch.alarmAt);
    // Their lanes may be forgotten now, and perhaps nothing else happens.
    this.#means.lanes.sweep();
  }

  close(): void {
    this.#closed = true;
    this.#endWatch?.();
    this.#disarmNote?.();
    this.#disarmSoon?.();
    this.#lookout.close();
  }

  #armNote(afterMs: number): void {
    const { clock } = this.#means;
    this.#disarmNote ??= clock.after(afterMs, () => {
      this.#disarmNote = undefined;
      try {
        this.#write(clock.elapsedMs() - noteAfterMs);
      } catch (error) {
        this.#means.failed(error);
      }
    });
  }

  /** Drafts the notes of gaps that began until then, in elapsed time. */
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
    const draft = this.#means.draft();
    lane.changeIn(draft.number);
    draft.gaps.push({ key: lane.key, gap });
    this.#means.drafted();
  }

  /** Many gaps may close, one after the other, and each be the oldest. */
  #lookSoon(): void {
    if (this.#closed) return;
    this.#disarmSoon ??= this.#means.clock.after(noteAfterMs, () => {
      this.#disarmSoon = undefined;
      this.#lookout.look();
    });
  }

  async #takeOverdue(): Promise<void> {
    const { store, clock, partition, skipAfterMs, gapWatch } = this.#means;
    await this.note();
    if (this.#mayBeAhead) await this.#countFromNow();
    // One moment for both: what becomes overdue meanwhile is left to the next look.
    const begunBy = clock.now() - (skipAfterMs ?? 0);
    if (skipAfterMs !== undefined) await this.#skipOverdue(begunBy);
    if (this.#closed) return;
    const [oldest] = await store.gaps(partition, { limit: 1 });
    gapWatch.see(oldest);
    this.#lookout.lookAt(gapWatch.alarmAt);
    if (skipAfterMs === undefined) return;
    // What is overdue now and was not skipped goes on by itself, once its lane does.
    const [next] = await store.gaps(partition, { after: firstPlaceFrom(Math.floor(begunBy) + 1), limit: 1 });
    if (next !== undefined) this.#lookout.lookAt(next.since + skipAfterMs);
  }

  async #skipOverdue(begunBy: number): Promise<void> {
    const { lanes } = this.#means;
    for await (const gaps of this.#pages({ until: begunBy })) {
      await Promise.all(gaps.map(({ key }) => lanes.skipOverdue(key)));
      await this.#means.committed();
      lanes.sweep();
    }
  }

  /** The clock was set back: what counts from a later moment counts from now. */
  async #countFromNow(): Promise<void> {
    this.#mayBeAhead = false;
    const { lanes, clock } = this.#means;
    const now = clock.now();
    for await (const gaps of this.#pages({ after: firstPlaceFrom(now + 1) })) {
      for (const { key } of gaps) {
        const lane = lanes.peek(key);
        if (lane?.gap !== undefined) this.#draft(lane, lane.turnGapBack(now));
      }
      lanes.sweep();
    }
    await this.#means.committed();
  }

  /** Pages of noted gaps, oldest first, their lanes in memory. */
  async *#pages(query: { readonly until?: number; readonly after?: StoredPlace }): AsyncGenerator<readonly StoredGap[]> {
    const { store, partition, lanes } = this.#means;
    let { after } = query;
    for (;;) {
      const gaps: readonly StoredGap[] = await store.gaps(partition, { ...query, after, limit: lookMax });
      await lanes.warm(gaps.map(({ key }) => key));
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
