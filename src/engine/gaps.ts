import type { GapWrite, StoredGap } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { TenureContext } from './engine-context.ts';
import type { GapWatch } from './gap-watch.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { Lookout } from './lookout.ts';

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
  readonly #context: TenureContext;
  readonly #lanes: Lanes;
  readonly #watch: GapWatch;
  /** Undefined: a key waits for ever. */
  readonly #skipAfterMs: number | undefined;
  readonly #lookout: Lookout;
  /** Lanes whose gap is not noted as it stands, and since when, in elapsed time, in this order. They stay in memory until it is. */
  readonly #young = new Map<Lane, number>();
  #disarmNote: (() => void) | undefined;
  #disarmSoon: (() => void) | undefined;
  #endWatch: (() => void) | undefined;
  /** Whether gaps may count from a moment that lies ahead: the clock was set back, perhaps while nobody was here. */
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

  /** @param noted how many gaps an earlier tenure noted */
  start(noted: number): void {
    this.#endWatch = this.#context.engine.clock.whenTurnedBack(() => {
      this.#mayBeAhead = true;
      this.#lookout.look();
    });
    this.#watch.begin(noted);
    if (noted > 0) this.#lookout.look();
    else this.#watch.see(undefined);
  }

  /** The lane waits for a number, and this is the first event that waits. */
  begin(lane: Lane, { order, acceptedAt }: Pick<Waiting, 'order' | 'acceptedAt'>): void {
    const { clock } = this.#context.engine;
    const skipAfterMs = this.#skipAfterMs;
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
    await this.#context.committed();
  }

  /** Notes are on disk. */
  committed(writes: readonly GapWrite[], added: number): void {
    const gapWatch = this.#watch;
    gapWatch.committed(added);
    // The look under way may have read what was there before.
    if (this.#lookout.isLooking) this.#lookSoon();
    for (const { key, gap } of writes) {
      if (gap !== null) gapWatch.noted({ key, ...gap });
      else if (gapWatch.oldest?.key === key) this.#lookSoon();
    }
    this.#lookout.lookAt(gapWatch.alarmAt);
    // Their lanes may be forgotten now, and perhaps nothing else happens.
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
    const draft = this.#context.draft();
    lane.changeIn(draft.number);
    draft.gaps.push({ key: lane.key, gap });
    this.#context.drafted();
  }

  /** Many gaps may close, one after the other, and each be the oldest. */
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
    // A clock that is set back from here on is the next look's concern: what is noted now may be of a later moment.
    const mayBeAhead = this.#mayBeAhead;
    this.#mayBeAhead = false;
    await this.note();
    if (mayBeAhead) await this.#countFromNow();
    // One moment for both: what becomes overdue meanwhile is left to the next look.
    const begunBy = clock.now() - (skipAfterMs ?? 0);
    if (skipAfterMs !== undefined) await this.#skipOverdue(begunBy);
    if (this.#closed) return;
    const [oldest] = await store.gaps(id, { limit: 1 });
    this.#watch.see(oldest);
    this.#lookout.lookAt(this.#watch.alarmAt);
    if (skipAfterMs === undefined) return;
    // What is overdue now and was not skipped goes on by itself, once its lane does.
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

  /** The clock was set back: what counts from a later moment counts from now. */
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

  /** Brings a lane of a page into memory that is not there: where states take up all the room, some of them come one by one. Returns whether it did. */
  async #isBroughtIn(key: string): Promise<boolean> {
    if (this.#closed || this.#lanes.peek(key) !== undefined) return false;
    await this.#lanes.warm([key]);
    return true;
  }

  /** Pages of noted gaps, oldest first, their lanes in memory as far as there is room. */
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
