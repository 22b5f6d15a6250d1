import { reasonLengthMax, stackLengthMax } from '../fault.ts';
import { toStorableText } from '../pipeline/text.ts';
import { sizeOfValues } from '../store/list-size.ts';
import type {
  AuditEntry,
  CommandAnswer,
  Commit,
  DeliveryWrite,
  GapWrite,
  Hold,
  NewDeadLetter,
  NewEvent,
  NewInboxRow,
  OutcomeWrite,
  Release,
  TimerWrite,
} from '../store/store.ts';
import type { Cause, Waiting } from './cause.ts';
import { type DraftCounts, noDraftCounts } from './counts.ts';
import type { Lane } from './lane.ts';
import { bytesOfText, bytesOfUnit } from './memory.ts';
import { RowWrites } from './row-writes.ts';
import { Telling } from './telling.ts';
import type { RowEffect } from './turn.ts';

/** An event to send, with its parsed body, which saves parsing it again for its turn. */
export interface Outgoing {
  readonly stored: NewEvent;
  readonly event: unknown;
  /** The memory that both take up. */
  readonly bytes: number;
}

/** The work of many turns that will commit together (promise 2). Nothing in it is true before it has committed. */
export class Draft {
  /** Drafts of a partition are numbered in order; a lane remembers the last one that changed it. */
  readonly number: number;
  cursor: number;
  /** Number of turns in it. */
  turns = 0;
  readonly counts: DraftCounts = { ...noDraftCounts };
  /** The acceptance time of each processed event. */
  readonly acceptedAt: number[] = [];
  readonly sends: Outgoing[] = [];
  readonly gaps: GapWrite[] = [];
  readonly timers: TimerWrite[] = [];
  readonly outcomes: OutcomeWrite[] = [];
  readonly deliveries: DeliveryWrite[] = [];
  /**
   * The cause of its first turn; needed only when the store refuses the draft. The others are released, so that they can be collected soon.
   */
  cause: Cause | undefined;
  /** The key of that turn. */
  causeKey: string | undefined;
  /** Dead letters that parked their key, and those that no longer do. */
  readonly parked: string[] = [];
  readonly unparked: { readonly id: string; readonly redriven: boolean }[] = [];
  /** Change in the number of keys parked by operators. */
  parkedByHand = 0;
  #bytes = 0;
  readonly #lanes = new Set<Lane>();
  readonly #holds: Hold[] = [];
  readonly #releases: Release[] = [];
  readonly #rows = new Map<string, RowWrites>();
  readonly #deadLetters: NewDeadLetter[] = [];
  readonly #resolved: string[] = [];
  /** Set only by operators' actions. */
  #inbox: NewInboxRow[] | undefined;
  #answers: CommandAnswer[] | undefined;
  #audit: AuditEntry[] | undefined;
  /** Letters resolved per operation. */
  #operations: Map<string, number> | undefined;
  /** Timeline items; undefined if its pipeline keeps no timeline. */
  readonly told: Telling | undefined;
  readonly #startCursor: number;

  constructor(number: number, cursor: number, keepsTimeline: boolean) {
    this.told = keepsTimeline ? new Telling(number) : undefined;
    this.number = number;
    this.cursor = cursor;
    this.#startCursor = cursor;
  }

  /** Size of its writes, estimated from their texts. */
  get bytes(): number {
    return this.#bytes + (this.told?.bytes ?? 0);
  }

  get isEmpty(): boolean {
    if (this.turns > 0 || this.cursor !== this.#startCursor || this.#answers !== undefined) return false;
    return (
      this.gaps.length +
        this.timers.length +
        this.outcomes.length +
        this.deliveries.length +
        this.#lanes.size +
        this.#holds.length +
        this.#releases.length +
        this.#deadLetters.length +
        this.#resolved.length ===
      0
    );
  }

  /** The last dead letter in it. */
  get lastLetter(): NewDeadLetter | undefined {
    return this.#deadLetters.at(-1);
  }

  /** Change in the number of unresolved dead letters. */
  get deadLettersAdded(): number {
    return this.#deadLetters.length - this.#resolved.length;
  }

  /** Returns the number of the draft that records it: this one or, if the log had already come farther, the one before. */
  passed(position: number): number {
    if (position > this.cursor) this.cursor = position;
    return position > this.#startCursor ? this.number : this.number - 1;
  }

  /** Stores the lane's record as it stands when the draft commits. */
  change(lane: Lane): void {
    lane.changeIn(this.number);
    this.#lanes.add(lane);
  }

  hold(lane: Lane, waiting: Pick<Waiting, 'order' | 'position' | 'attempts' | 'held'>, retryAt: number | null = null): void {
    lane.changeIn(this.number);
    waiting.held = true;
    this.passed(waiting.position);
    this.#holds.push({ key: lane.key, order: waiting.order, position: waiting.position, attempts: waiting.attempts, retryAt });
  }

  /** Notes that the event needs no further turn. */
  settle(lane: Lane, waiting: Pick<Waiting, 'order' | 'position' | 'held'>): void {
    lane.changeIn(this.number);
    this.passed(waiting.position);
    if (!waiting.held) return;
    const last = this.#releases.at(-1);
    if (last !== undefined && last.key === lane.key && last.to + 1 === waiting.order) {
      this.#releases[this.#releases.length - 1] = { key: last.key, from: last.from, to: waiting.order };
    } else {
      this.#releases.push({ key: lane.key, from: waiting.order, to: waiting.order });
    }
  }

  addRow(effect: RowEffect): void {
    this.#bytes += bytesOfUnit * sizeOfValues(effect.values);
    let writes = this.#rows.get(effect.table);
    if (writes === undefined) {
      writes = new RowWrites(effect.table);
      this.#rows.set(effect.table, writes);
    }
    writes.add(effect);
  }

  /** Writes the lane's state. */
  addState(json: string): void {
    this.#bytes += bytesOfText(json);
  }

  send(event: Outgoing): void {
    this.#bytes += event.bytes;
    this.sends.push(event);
  }

  writeCause(write: TimerWrite | OutcomeWrite): void {
    if (write.dueAt !== null && write.data !== null) this.#bytes += bytesOfText(write.data);
    if (write.kind === 'timer') this.timers.push(write);
    else this.outcomes.push(write);
  }

  deliver(write: DeliveryWrite): void {
    if ('delivery' in write) this.#bytes += bytesOfText(write.delivery.body);
    this.deliveries.push(write);
  }

  bury(letter: NewDeadLetter): void {
    const { reason, stack } = letter;
    if (letter.kind === 'delivery') this.#bytes += bytesOfText(letter.delivery.body);
    // These come from user code, which may return anything.
    this.#deadLetters.push({
      ...letter,
      reason: toStorableText(reason, reasonLengthMax),
      stack: stack && toStorableText(stack, stackLengthMax),
    });
  }

  resolve(deadLetterId: string): void {
    this.#resolved.push(deadLetterId);
  }

  /** Returns a row to the inbox if no event could be made of it. */
  returnToInbox(row: NewInboxRow): void {
    this.#inbox ??= [];
    this.#inbox.push(row);
  }

  /** Answers another engine's command. */
  answer(answer: CommandAnswer): void {
    this.#answers ??= [];
    this.#answers.push(answer);
  }

  /** Records an operator's action. */
  note(entry: AuditEntry): void {
    this.#audit ??= [];
    this.#audit.push(entry);
  }

  /** Counts a letter as resolved for an operation. */
  advance(operation: string): void {
    this.#operations ??= new Map();
    this.#operations.set(operation, (this.#operations.get(operation) ?? 0) + 1);
  }

  /** @param number the number of its timeline block */
  toCommit(number: number): Commit {
    const block = this.told?.toBlock(number, this.#lanes);
    return {
      block,
      cursor: this.cursor,
      holds: this.#holds,
      releases: this.#releases,
      keys: Array.from(this.#lanes, (lane) => ({
        key: lane.key,
        state: lane.stored,
        next: lane.nextIsStored ? lane.next : null,
        parked: lane.status === 'parked',
        block: lane.newestBlock,
      })),
      gaps: this.gaps,
      timers: this.timers,
      outcomes: this.outcomes,
      deliveries: this.deliveries,
      rows: Array.from(this.#rows.values()).flatMap((writes) => writes.toWrites()),
      deadLetters: this.#deadLetters,
      resolvedDeadLetters: this.#resolved,
      sends: this.sends.map((send) => send.stored),
      inbox: this.#inbox,
      answers: this.#answers,
      operations: this.#operations && Array.from(this.#operations, ([id, done]) => ({ id, done })),
      audit: this.#audit,
    };
  }
}
