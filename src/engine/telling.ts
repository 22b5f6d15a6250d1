import type { NewBlock } from '../store/store.ts';
import type { Lane } from './lane.ts';
import { bytesOfText } from './memory.ts';
import type { ToldItem } from './timeline-items.ts';

/** Memory taken by one compact item. */
const bytesOfPlain = 60;

/** The timeline items of one draft, which become its block. */
export class Telling {
  /** Approximate memory it takes. */
  bytes = 0;
  readonly #draft: number;
  /** The key of each line, and its lane; undefined for a key that may not be in memory. */
  readonly #keys: string[] = [];
  readonly #lanes: (Lane | undefined)[] = [];
  /** The lines by key, once an item comes without its lane, and the numbers of items in those without a lane. */
  #lineOf: Map<string, number> | undefined;
  readonly #counts = new Map<number, number>();
  /** As in a block. */
  readonly #items: number[] = [];
  readonly #texts: string[] = [];
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
    this.#items.push(lane.line ?? this.#begin(lane), position, turn.at - this.#moment, Math.round(turn.durationMs * 10));
    return lane.tell();
  }

  /** Records an item. Returns its index among those of its key. */
  tell(lane: Lane, item: ToldItem): number {
    this.#addText(lane.line ?? this.#begin(lane), item);
    return lane.tell();
  }

  /** Records an item of a key that may not be in memory. Returns its index among those of its key. */
  tellOf(key: string, item: ToldItem): number {
    this.#lineOf ??= new Map(this.#keys.map((own, line) => [own, line]));
    const line = this.#lineOf.get(key) ?? this.#add(key, undefined);
    const lane = this.#lanes[line];
    if (lane !== undefined) return this.tell(lane, item);
    this.#addText(line, item);
    const count = this.#counts.get(line) ?? 0;
    this.#counts.set(line, count + 1);
    return count;
  }

  /**
   * Returns the block. The records of changed lanes name it; all other keys are indexed. A key that loses its record gets a line even without
   * items: what the record named would be lost.
   */
  toBlock(block: number, changed: ReadonlySet<Lane>): NewBlock | undefined {
    for (const lane of changed) if (losesRecord(lane) && lane.line === undefined) this.#begin(lane);
    if (this.#keys.length === 0) return undefined;
    const moment = this.#moment ?? block;
    const before = new Float64Array(this.#keys.length).fill(Number.NaN);
    const keys: string[] = [];
    for (const [line, lane] of this.#lanes.entries()) {
      if (lane?.newestBlock !== undefined) before[line] = moment - lane.newestBlock;
      if (lane === undefined || !leadsTo(block, lane, changed)) keys.push(this.#keys[line] as string);
    }
    return { block, lines: { moment, keys: this.#keys, before, items: Float64Array.from(this.#items), texts: this.#texts }, keys };
  }

  #addText(line: number, item: ToldItem): void {
    this.#moment ??= item.at;
    const text = JSON.stringify(item);
    this.bytes += bytesOfText(text);
    this.#items.push(line, -1 - this.#texts.length, 0, 0);
    this.#texts.push(text);
  }

  /** Begins a lane's line, or takes over the one that items recorded without the lane have begun. Returns it. */
  #begin(lane: Lane): number {
    const line = this.#lineOf?.get(lane.key) ?? this.#add(lane.key, lane);
    this.#lanes[line] = lane;
    lane.beginLine(line, this.#counts.get(line) ?? 0);
    lane.changeIn(this.#draft);
    return line;
  }

  #add(key: string, lane: Lane | undefined): number {
    this.#keys.push(key);
    this.#lineOf?.set(key, this.#keys.length - 1);
    return this.#lanes.push(lane) - 1;
  }
}

/** Ends a lane's line. Returns whether its record will name the block. */
function leadsTo(block: number, lane: Lane, changed: ReadonlySet<Lane>): boolean {
  lane.endLine();
  if (losesRecord(lane)) lane.newestBlock = undefined;
  if (!lane.hasRecord || !changed.has(lane)) return false;
  lane.newestBlock = block;
  return true;
}

/** Returns whether a lane's record named a block, and is gone. */
function losesRecord({ hasRecord, newestBlock }: Lane): boolean {
  return !hasRecord && newestBlock !== undefined;
}
