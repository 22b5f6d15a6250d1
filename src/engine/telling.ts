import type { NewBlock } from '../store/store.ts';
import type { Lane } from './lane.ts';
import { bytesOfText } from './memory.ts';
import { lineOf, momentLine, plainText, type ToldItem } from './timeline-items.ts';

/** Of a short text, with what a string takes up itself. */
const bytesOfPlain = 60;

/** What one draft tells of keys: its block. Each lane gathers the texts of its own items. */
export class Telling {
  /** What it takes up in memory, about. */
  bytes = 0;
  readonly #draft: number;
  readonly #lanes: Lane[] = [];
  /** Items of keys that are not in memory. */
  readonly #others = new Map<string, string[]>();
  /** The moment from which the block counts: that of its first item. */
  #moment: number | undefined;

  /** @param draft its number */
  constructor(draft: number) {
    this.#draft = draft;
  }

  /** Tells of an event that was handled at its first attempt, which is most of all that happens. Returns the place of the item. */
  handled(lane: Lane, position: number, turn: { readonly at: number; readonly durationMs: number }): number {
    this.#moment ??= turn.at;
    this.bytes += bytesOfPlain;
    return this.#add(lane, plainText(position, turn, this.#moment));
  }

  /** Returns the place of the item among those of its key. */
  tell(lane: Lane, item: ToldItem): number {
    return this.#add(lane, this.#textOf(item));
  }

  /** Tells of a key that may not be in memory. */
  tellOf(key: string, lane: Lane | undefined, item: ToldItem): void {
    if (lane !== undefined) {
      this.tell(lane, item);
      return;
    }
    const text = this.#textOf(item);
    const items = this.#others.get(key);
    if (items === undefined) this.#others.set(key, [text]);
    else items.push(text);
  }

  /** Makes the block. Records that are among the changed lanes name it; the other keys are indexed. */
  toBlock(block: number, changed: ReadonlySet<Lane>): NewBlock | undefined {
    const moment = this.#moment;
    if (moment === undefined) return undefined;
    const keys: string[] = [];
    let text = momentLine(moment);
    for (const lane of this.#lanes) {
      text += lineOf(lane.key, lane.newestBlock, moment, lane.takeTold());
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

  /** What was told of the key before it came into memory is told first. */
  #begin(lane: Lane): void {
    this.#lanes.push(lane);
    lane.changeIn(this.#draft);
    for (const text of this.#others.get(lane.key) ?? []) lane.tell(text);
    this.#others.delete(lane.key);
  }
}
