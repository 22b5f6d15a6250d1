import type { NewBlock } from '../store/store.ts';
import type { Lane } from './lane.ts';
import { bytesOfText } from './memory.ts';
import { lineOf, momentLine, plainText, type ToldItem } from './timeline-items.ts';

/** Memory taken by one compact item, including the string itself. */
const bytesOfPlain = 60;

/** The timeline items of one draft, which become its block. Each lane collects the text of its own items. */
export class Telling {
  /** Approximate memory it takes. */
  bytes = 0;
  readonly #draft: number;
  readonly #lanes: Lane[] = [];
  /** The same lanes by key, once an item comes without its lane. */
  #laneOf: Map<string, Lane> | undefined;
  /** Items of other keys, as text. */
  readonly #others = new Map<string, string[]>();
  /** The time of the first item; times in the block are relative to it. */
  #moment: number | undefined;

  /** @param draft the draft's number */
  constructor(draft: number) {
    this.#draft = draft;
  }

  /** Records an event handled on its first attempt, the common case. Returns the item's index among those of its key. */
  handled(lane: Lane, position: number, turn: { readonly at: number; readonly durationMs: number }): number {
    this.#moment ??= turn.at;
    this.bytes += bytesOfPlain;
    return this.#add(lane, plainText(position, turn, this.#moment));
  }

  /** Records an item. Returns its index among those of its key. */
  tell(lane: Lane, item: ToldItem): number {
    return this.#add(lane, this.#textOf(item));
  }

  /** Records an item of a key that may not be in memory. Returns its index among those of its key. */
  tellOf(key: string, item: ToldItem): number {
    this.#laneOf ??= new Map(this.#lanes.map((lane) => [lane.key, lane]));
    const lane = this.#laneOf.get(key);
    if (lane !== undefined) return this.tell(lane, item);
    const items = this.#others.get(key) ?? [];
    this.#others.set(key, items);
    return items.push(this.#textOf(item)) - 1;
  }

  /**
   * Returns the block. The records of changed lanes name it; all other keys are indexed. A key that loses its record gets a line even without
   * items: what the record named would be lost.
   */
  toBlock(block: number, changed: ReadonlySet<Lane>): NewBlock | undefined {
    for (const lane of changed) if (losesRecord(lane) && !lane.hasTold) this.#begin(lane);
    if (this.#lanes.length + this.#others.size === 0) return undefined;
    const moment = this.#moment ?? block;
    const keys: string[] = [];
    let text = momentLine(moment);
    for (const lane of this.#lanes) {
      text += lineOf(lane.key, lane.newestBlock, moment, lane.takeTold());
      if (losesRecord(lane)) lane.newestBlock = undefined;
      if (lane.hasRecord && changed.has(lane)) lane.newestBlock = block;
      else keys.push(lane.key);
    }
    for (const [key, items] of this.#others) {
      text += lineOf(key, undefined, moment, items.join(','));
      keys.push(key);
    }
    return { block, text, keys };
  }

  #textOf(item: ToldItem): string {
    this.#moment ??= item.at;
    const text = JSON.stringify(item);
    this.bytes += bytesOfText(text);
    return text;
  }

  #add(lane: Lane, text: string): number {
    if (!lane.hasTold) this.#begin(lane);
    return lane.tell(text);
  }

  /** Items recorded without the lane go first. */
  #begin(lane: Lane): void {
    this.#lanes.push(lane);
    this.#laneOf?.set(lane.key, lane);
    lane.changeIn(this.#draft);
    for (const text of this.#others.get(lane.key) ?? []) lane.tell(text);
    this.#others.delete(lane.key);
  }
}

/** Returns whether a lane's record named a block, and is gone. */
function losesRecord({ hasRecord, newestBlock }: Lane): boolean {
  return !hasRecord && newestBlock !== undefined;
}
