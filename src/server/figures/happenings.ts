import type { SeenCommit } from '../../engine/commit-watch.ts';
import type { Mill } from '../../engine/mill.ts';

/** Maximum items kept between two observations. */
const keptMax = 6;

/** An item of the sample. */
export interface Happening {
  readonly at: number;
  readonly pipeline: string;
  readonly key: string;
  readonly what: 'event handled' | 'timer handled' | 'outcome handled' | 'gave up';
  readonly reason?: string;
}

/** A sample of recent activity since the last request, and the total number of turns. */
export interface Sample {
  readonly items: readonly Happening[];
  /** Number of committed turns: the population of the sample. */
  readonly turns: number;
}

/** Samples an engine's activity: dead letters first, and otherwise the first turn of an occasional commit. */
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
    // One busy pipeline would crowd out the others.
    if (other >= 0) this.#items[other] = happening;
    else if (this.#items.length < keptMax) this.#items.push(happening);
  }
}
