import type { SeenCommit } from '../../engine/commit-watch.ts';
import type { Mill } from '../../engine/mill.ts';

/** As many things are kept of what happens between two looks. */
const keptMax = 6;

/** One of the things that happened. */
export interface Happening {
  readonly at: number;
  readonly pipeline: string;
  readonly key: string;
  readonly what: 'event handled' | 'timer handled' | 'outcome handled' | 'gave up';
  readonly reason?: string;
}

/** A few of the things that happened since the last time somebody asked, and how many turns there were in all. */
export interface Sample {
  readonly items: readonly Happening[];
  /** How many turns were committed: what the items are a sample of. */
  readonly turns: number;
}

/** Takes a sample of what an engine does: what was given up first, and of the rest the first turn of a commit now and then. */
export class Happenings {
  readonly #end: () => void;
  #items: Happening[] = [];
  #letters: Happening[] = [];
  #turns = 0;

  constructor(mill: Mill) {
    this.#end = mill.watch((commit) => this.#saw(commit));
  }

  /** Returns the sample, and begins the next. */
  take(): Sample {
    const letters = this.#letters;
    const items = [...this.#items.slice(0, keptMax - letters.length), ...letters].sort((a, b) => a.at - b.at);
    const sample = { items, turns: this.#turns };
    this.#items = [];
    this.#letters = [];
    this.#turns = 0;
    return sample;
  }

  stop(): void {
    this.#end();
  }

  #saw({ pipeline, at, turns, first, letter }: SeenCommit): void {
    this.#turns += turns;
    if (letter !== undefined && this.#letters.length < keptMax) {
      this.#letters.push({ at, pipeline, key: letter.key, what: 'gave up', reason: letter.reason });
    }
    if (first === undefined) return;
    const happening: Happening = { at, pipeline, key: first.key, what: `${first.kind} handled` };
    const other = this.#items.findIndex((item) => item.pipeline === pipeline);
    // One busy pipeline would leave no place for the others.
    if (other >= 0) this.#items[other] = happening;
    else if (this.#items.length < keptMax) this.#items.push(happening);
  }
}
