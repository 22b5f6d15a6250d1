import { MillraceError } from '../errors.ts';
import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { KeyRecord, StoredState } from '../store/store.ts';
import type { LaneMemory } from './lane-memory.ts';
import { bytesOfJson, bytesOfText } from './memory.ts';

/** The key's record in the store, as it will be once current drafts are on disk: its state, and the next number. */
export abstract class LaneRecord {
  readonly key: string;
  readonly numbered: boolean;
  protected readonly memory: LaneMemory;
  #stored: StoredState | null;
  /** The state as the last turn left it, for the next turn alone; undefined: it must be read from its stored form. */
  #state: unknown;
  #stateBytes = 0;
  #next: number;
  #nextIsStored: boolean;
  #draft = 0;
  /** The newest block that its record names. */
  newestBlock: number | undefined;
  /** Its line in the current draft's block, and the number of its items there. */
  #line: number | undefined;
  #toldCount = 0;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, { state, next, block }: KeyRecord) {
    this.newestBlock = block;
    this.key = key;
    this.numbered = order !== undefined;
    this.memory = memory;
    this.#stored = state;
    this.#next = next ?? order?.from ?? 0;
    this.#nextIsStored = next !== null;
    this.#holdState(state === null ? 0 : bytesOfText(state.json));
  }

  /** The state in its stored form. */
  get stored(): StoredState | null {
    return this.#stored;
  }

  /** The next number in turn, in a numbered pipeline. */
  get next(): number {
    return this.#next;
  }

  /** True if `next` was ever moved, and so must be stored. */
  get nextIsStored(): boolean {
    return this.#nextIsStored;
  }

  /** The draft that last changed the lane: it must be on disk before the lane may be forgotten. */
  get draft(): number {
    return this.#draft;
  }

  /** Notes that a draft changes its record. */
  changeIn(draft: number): void {
    if (draft > this.#draft) this.#draft = draft;
  }

  /** @param next shared with nobody else */
  moveState(next: unknown, stored: StoredState | null): void {
    this.#holdState(stored === null ? 0 : bytesOfJson(stored.json, next));
    this.#stored = stored;
    this.#state = next;
  }

  /** Hands the state to a turn, which may change it: once. Undefined if it must be read from its stored form. */
  takeState(): unknown {
    const state = this.#state;
    this.#state = undefined;
    return state;
  }

  /** Notes that all numbers below `next` are applied or given up. */
  moveTo(next: number): void {
    if (next < this.#next) throw this.unexpected(`number ${this.#next} or a later one to be next, found ${next}`);
    this.#next = next;
    this.#nextIsStored = true;
  }

  /** True if there is anything to record. */
  get hasRecord(): boolean {
    return this.#stored !== null || this.#nextIsStored;
  }

  /** Its line in the current draft's block; undefined if it has none yet. */
  get line(): number | undefined {
    return this.#line;
  }

  /** Begins a line, which already has some items. */
  beginLine(line: number, items: number): void {
    this.#line = line;
    this.#toldCount = items;
  }

  /** Counts a timeline item. Returns its index among the key's items in the draft. */
  tell(): number {
    this.#toldCount += 1;
    return this.#toldCount - 1;
  }

  /** Ends its line: later items belong to the next block. */
  endLine(): void {
    this.#line = undefined;
  }

  /** Notes that it is no longer in memory. */
  forget(): void {
    this.memory.changeStates(-this.#stateBytes);
  }

  /** The error for a broken invariant. */
  protected unexpected(expected: string): MillraceError {
    return new MillraceError('MILL_INTERNAL', `lane of key ${JSON.stringify(this.key)}: expected ${expected}`);
  }

  #holdState(bytes: number): void {
    if (bytes !== this.#stateBytes) this.memory.changeStates(bytes - this.#stateBytes);
    this.#stateBytes = bytes;
  }
}
