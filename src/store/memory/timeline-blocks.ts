import { blockText } from '../block-text.ts';
import type { NewBlock } from '../store.ts';

/** The blocks of one partition in memory. */
export class TimelineBlocks {
  readonly #texts = new Map<number, string>();
  /** Blocks by the keys that no record leads to. */
  readonly #indexed = new Map<string, Set<number>>();
  #last: number | undefined;

  /** The highest one; undefined if there is none. */
  get last(): number | undefined {
    return this.#texts.size === 0 ? undefined : this.#last;
  }

  add({ block, lines, keys }: NewBlock): void {
    this.#texts.set(block, blockText(lines));
    this.#last = block;
    for (const key of keys) {
      const blocks = this.#indexed.get(key) ?? new Set();
      this.#indexed.set(key, blocks.add(block));
    }
  }

  text(block: number): string | null {
    return this.#texts.get(block) ?? null;
  }

  indexed(key: string): Iterable<number> {
    return this.#indexed.get(key) ?? [];
  }

  /** Deletes the first ones below a number; returns how many. */
  forget(before: number, limit: number): number {
    const gone = Array.from(
      this.#texts
        .keys()
        .filter((block) => block < before)
        .take(limit),
    );
    for (const block of gone) this.#texts.delete(block);
    for (const [key, blocks] of this.#indexed) {
      for (const block of gone) blocks.delete(block);
      if (blocks.size === 0) this.#indexed.delete(key);
    }
    return gone.length;
  }
}
