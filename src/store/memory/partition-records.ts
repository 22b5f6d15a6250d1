import { MillraceError } from '../../errors.ts';
import { checkMoments } from '../commit-moments.ts';
import { keyRangeOf } from '../key-range.ts';
import type {
  Appended,
  BlocksQuery,
  Commit,
  DeadLetter,
  EventAt,
  HeldEvent,
  Hold,
  KeyRecord,
  KeySummary,
  KeysQuery,
  LoggedEvent,
  NewDeadLetter,
  NewEvent,
  PartitionId,
  Progress,
  Pruned,
  Release,
  Retention,
  Standing,
  StoredState,
} from '../store.ts';
import { compareText } from '../text-order.ts';
import { NotedGaps } from './noted-gaps.ts';
import { PendingCauses } from './pending-causes.ts';
import { PendingDeliveries } from './pending-deliveries.ts';
import { SortedList } from './sorted-list.ts';
import { TimelineBlocks } from './timeline-blocks.ts';

type Order = Pick<Hold, 'order'>;

/** All data of a key. */
interface Key {
  state: StoredState | null;
  next: number | null;
  parked: boolean;
  readonly held: SortedList<Order, Hold>;
  /** The given-up numbers, by the id of the dead letter that recorded them. */
  readonly skipped: Map<string, { readonly from: number; readonly to: number }>;
  block: number | undefined;
}

/** A memory store's data for one partition. Every method takes effect as a whole; only `judge` refuses a commit, and it changes nothing. */
export class PartitionRecords {
  readonly gaps = new NotedGaps();
  readonly causes = new PendingCauses();
  readonly deliveries = new PendingDeliveries();
  readonly blocks = new TimelineBlocks();
  readonly #id: PartitionId;
  #cursor = 0;
  #head = 0;
  readonly #log = new SortedList<Pick<LoggedEvent, 'position'>, LoggedEvent>((a, b) => a.position - b.position);
  /** Chosen ids and when their events were accepted. */
  readonly #ids = new Map<string, number>();
  readonly #keys = new Map<string, Key>();
  readonly #deadLetters = new Map<string, DeadLetter>();
  /** The positions of events that dead letters are about, with the number of letters for each. */
  readonly #buried = new Map<number, number>();

  constructor(id: PartitionId) {
    this.#id = id;
  }

  standing(): Standing {
    let held = 0;
    for (const key of this.#keys.values()) held += key.held.size;
    let parked = 0;
    for (const key of this.#keys.values()) if (key.parked) parked += 1;
    const [deadLetters, deliveries, gaps] = [this.#deadLetters.size, this.deliveries.size, this.gaps.size];
    const { last: block } = this.blocks;
    return { cursor: this.#cursor, head: this.#head, held, deadLetters, parked, deliveries, gaps, ...(block !== undefined && { block }) };
  }

  /** True if nothing here is found by its key. */
  get isEmpty(): boolean {
    const isKnown = ({ state, next, parked, held }: Key) => state !== null || next !== null || parked || held.size > 0;
    const sizes = [this.#log.size, this.#ids.size, this.#deadLetters.size, this.causes.size, this.deliveries.size];
    return sizes.every((size) => size === 0) && !this.#keys.values().some(isKnown);
  }

  progress(): Progress {
    return { cursor: this.#cursor, head: this.#head };
  }

  append(event: NewEvent): Appended {
    const refusal = this.#refusalOf(event);
    if (refusal !== null) return { status: refusal };
    this.#head += 1;
    const { key, id, number, acceptedAt, body, traceparent, origin } = event;
    this.#log.put({ position: this.#head, key, id, number, acceptedAt, body, traceparent, origin });
    if (event.knownSince !== null) this.#ids.set(id, acceptedAt);
    if (number !== null) this.#key(key).held.put({ key, order: number, position: this.#head, attempts: 0, retryAt: null });
    return { status: 'accepted', position: this.#head };
  }

  read(after: number, limit: number): LoggedEvent[] {
    return this.#log.from((event) => event.position > after, limit);
  }

  eventsAt(positions: readonly number[]): EventAt[] {
    return positions.flatMap((position) => this.#log.at({ position }) ?? []);
  }

  load(key: string): KeyRecord {
    const found = this.#keys.get(key);
    const causes = this.causes.of(key);
    if (found === undefined) return { state: null, next: null, parked: false, heldFrom: null, heldTo: null, held: 0, gap: null, ...causes };
    const { state, next, parked, held, block } = found;
    const gap = held.size === 0 ? null : this.gaps.of(key);
    const [heldFrom, heldTo] = [held.first?.order ?? null, highestPosition(held)];
    return { state, next, parked, heldFrom, heldTo, held: held.size, gap, ...causes, ...(block !== undefined && { block }) };
  }

  held(key: string, from: number, limit: number): HeldEvent[] {
    const holds = this.#keys.get(key)?.held.from((hold) => hold.order >= from, limit) ?? [];
    return holds.map(({ order, position, attempts, retryAt }) => ({ ...this.#logged(position), order, attempts, retryAt }));
  }

  heldKeys(after: string | null, limit: number): string[] {
    const keys: string[] = [];
    for (const [key, { held }] of this.#keys) {
      if (held.size > 0 && (after === null || compareText(key, after) > 0)) keys.push(key);
    }
    return keys.sort(compareText).slice(0, limit);
  }

  keys({ among, limit, ...query }: KeysQuery): KeySummary[] {
    const { from, isBehind, below } = keyRangeOf(query);
    const isInRange = (key: string) => {
      const place = compareText(key, from);
      return (isBehind ? place > 0 : place >= 0) && (below === undefined || compareText(key, below) < 0);
    };
    const isAmong = {
      parked: ({ parked }: KeySummary) => parked,
      gaps: ({ key }: KeySummary) => this.gaps.of(key) !== null,
      retried: ({ isRetried }: KeySummary) => isRetried,
    };
    const names = new Set([
      ...this.#knownKeys(),
      ...Array.from(this.causes, ({ key }) => key),
      ...(among === 'gaps' ? this.gaps.keys() : []),
    ]);
    const inOrder = Array.from(names).filter(isInRange).sort(compareText);
    return inOrder
      .map((key) => this.#summaryOf(key))
      .filter((summary) => among === undefined || isAmong[among](summary))
      .slice(0, limit);
  }

  /** Throws everything `apply` would have to refuse. */
  judge(commit: Commit): void {
    const { holds, deadLetters } = commit;
    checkMoments(commit);
    for (const { position } of holds) this.#logged(position);
    for (const letter of deadLetters) if (letter.kind === 'event') this.#logged(letter.event.position);
  }

  /** Applies the commit without its rows and sends, which reach beyond this partition. It must have been judged. */
  apply(commit: Commit): void {
    this.#cursor = Math.max(this.#cursor, commit.cursor);
    for (const { key, order, position, attempts, retryAt } of commit.holds) {
      this.#key(key).held.put({ key, order, position, attempts, retryAt });
    }
    for (const release of commit.releases) this.#release(release);
    for (const { key, state, next, parked, block } of commit.keys) {
      const isEmpty = state === null && next === null && !parked;
      Object.assign(this.#key(key), { state, next, parked, block: isEmpty ? undefined : block });
    }
    for (const gap of commit.gaps) this.gaps.write(gap);
    for (const timer of commit.timers) this.causes.write(timer);
    for (const outcome of commit.outcomes) this.causes.write(outcome);
    for (const delivery of commit.deliveries) this.deliveries.write(delivery);
    for (const letter of commit.deadLetters) this.bury(letter);
    for (const id of commit.resolvedDeadLetters) this.#resolve(id);
    if (commit.block !== undefined) this.blocks.add(commit.block);
  }

  /** Returns the blocks that a key's record or index names, highest first. */
  blocksOfKey(key: string, { before, limit }: BlocksQuery): number[] {
    const named = new Set([...this.blocks.indexed(key), ...[this.#keys.get(key)?.block ?? []].flat()]);
    const below = Array.from(named).filter((block) => block < before);
    return below.sort((a, b) => b - a).slice(0, limit);
  }

  bury(letter: NewDeadLetter): void {
    this.#deadLetters.set(letter.id, this.#toDeadLetter(letter));
    if (letter.kind === 'event') this.#buried.set(letter.event.position, (this.#buried.get(letter.event.position) ?? 0) + 1);
    if (letter.kind === 'gap') this.#key(letter.key).skipped.set(letter.id, letter.numbers);
  }

  deadLetters(): Iterable<DeadLetter> {
    return this.#deadLetters.values();
  }

  /** Number of accepted, unsettled events. */
  get waiting(): number {
    let waiting = 0;
    for (const { held } of this.#keys.values()) waiting += held.size;
    // A numbered event is held from the moment it is appended.
    for (const { number } of this.#log.from(({ position }) => position > this.#cursor, Number.POSITIVE_INFINITY)) {
      if (number === null) waiting += 1;
    }
    return waiting;
  }

  keysWithState(): string[] {
    return Array.from(this.#keys).flatMap(([key, { state }]) => (state === null ? [] : [key]));
  }

  pendingOrigins(origins: readonly string[]): string[] {
    const pending = new Set<string | null>();
    for (const letter of this.#deadLetters.values()) if ('origin' in letter) pending.add(letter.origin);
    for (const { origin } of this.#log.from(({ position }) => position > this.#cursor, Number.POSITIVE_INFINITY)) pending.add(origin);
    for (const { held } of this.#keys.values()) for (const { position } of held) pending.add(this.#logged(position).origin);
    return origins.filter((origin) => pending.has(origin));
  }

  prune({ acceptedBefore, idsBefore, after, limit }: Retention): Pruned {
    const [events, end] = this.#pruneLog(acceptedBefore, after, limit);
    let ids = 0;
    for (const [id, acceptedAt] of this.#ids) {
      if (ids === limit) break;
      if (acceptedAt >= idsBefore) continue;
      this.#ids.delete(id);
      ids += 1;
    }
    const isDone = end === null && ids < limit;
    return { count: events + ids, after: isDone ? null : (end ?? after) };
  }

  #knownKeys(): string[] {
    return Array.from(this.#keys).flatMap(([key, { state, next, parked, held }]) =>
      state !== null || next !== null || parked || held.size > 0 ? [key] : [],
    );
  }

  #summaryOf(key: string): KeySummary {
    const { next, parked, heldFrom, held, timers, outcomes } = this.load(key);
    const causes = [...timers, ...outcomes, ...(this.#keys.get(key)?.held ?? [])];
    return { key, next, parked, heldFrom, held, isRetried: causes.some(({ attempts }) => attempts > 0) };
  }

  get #name(): string {
    return `partition ${this.#id.pipeline}/${this.#id.slice}`;
  }

  #refusalOf({ key, id, knownSince, number }: NewEvent): 'duplicate' | 'late' | null {
    const knownAt = this.#ids.get(id);
    if (knownSince !== null && knownAt !== undefined && knownAt >= knownSince) return 'duplicate';
    const known = this.#keys.get(key);
    if (number === null || known === undefined) return null;
    if (known.held.at({ order: number }) !== undefined) return 'duplicate';
    if (known.next === null || number >= known.next) return null;
    for (const { from, to } of known.skipped.values()) if (number >= from && number <= to) return 'late';
    return 'duplicate';
  }

  /** Returns the existing key, or a new one. */
  #key(key: string): Key {
    let found = this.#keys.get(key);
    if (found === undefined) {
      found = {
        state: null,
        next: null,
        parked: false,
        held: new SortedList((a, b) => a.order - b.order),
        skipped: new Map(),
        block: undefined,
      };
      this.#keys.set(key, found);
    }
    return found;
  }

  #logged(position: number): LoggedEvent {
    const event = this.#log.at({ position });
    if (event !== undefined) return event;
    throw new MillraceError('MILL_INTERNAL', `${this.#name}: expected an event at position ${position}, found none`);
  }

  #release({ key, from, to }: Release): void {
    this.#keys.get(key)?.held.remove({ order: from }, { order: to });
  }

  #toDeadLetter(letter: NewDeadLetter): DeadLetter {
    if (letter.kind !== 'event') return { ...letter, partition: this.#id };
    const { id: eventId, body, acceptedAt, origin } = this.#logged(letter.event.position);
    return { ...letter, partition: this.#id, eventId, body, acceptedAt, origin };
  }

  #resolve(id: string): void {
    const letter = this.#deadLetters.get(id);
    if (letter === undefined) return;
    this.#deadLetters.delete(id);
    if (letter.kind !== 'event') return;
    const { position } = letter.event;
    const others = (this.#buried.get(position) ?? 1) - 1;
    if (others > 0) this.#buried.set(position, others);
    else this.#buried.delete(position);
  }

  /** Returns the number of events deleted, and the position after which there may be more; null at the end. */
  #pruneLog(acceptedBefore: number, after: number, limit: number): readonly [events: number, end: number | null] {
    const isOld = ({ position, acceptedAt }: LoggedEvent) => position <= this.#cursor && acceptedAt < acceptedBefore;
    const piece = this.#log.from(({ position }) => position > after, limit);
    const end = piece.length === limit && piece.every(isOld) ? (piece.at(-1)?.position ?? null) : null;
    const gone = new Set(piece.filter((event) => isOld(event) && !this.#isNeeded(event)).map(({ position }) => position));
    if (gone.size > 0) this.#log.retain(({ position }) => !gone.has(position));
    return [gone.size, end];
  }

  #isNeeded({ key, number, position }: LoggedEvent): boolean {
    return this.#buried.has(position) || this.#keys.get(key)?.held.at({ order: number ?? position }) !== undefined;
  }
}

function highestPosition(held: Iterable<Hold>): number | null {
  let highest: number | null = null;
  for (const { position } of held) highest = Math.max(highest ?? 0, position);
  return highest;
}
