import type { EventAt } from '../store.ts';
import type { CopySource, EventPlace } from './copy-ends.ts';
import { type CopiedRow, cellOf } from './copy-part.ts';
import type { SliceOf } from './placing.ts';

/** Maximum number of events looked up in one call. */
const placesMax = 1_000;

/** A line of a block. */
interface TimelineLine {
  readonly key: string;
  /** Valid in any block of its number, beside any log. */
  readonly text: string;
}

/** The engine's form of a block's text, as far as a copy must know it. */
export interface TimelineText {
  /** Returns the positions of the events that a block only names by position. */
  positionsIn(text: string): readonly number[];
  /** Returns a block's lines. Events at these positions are named by their ids instead. */
  linesOf(block: number, text: string, events: ReadonlyMap<number, EventAt>): readonly TimelineLine[];
}

interface LinesMeans {
  readonly source: Pick<CopySource, 'eventsAt'>;
  readonly sliceOf: SliceOf;
  readonly timeline: TimelineText;
}

/**
 * Splits the blocks of a pipeline's timeline into the lines of their keys. A line keeps its block's number, which ids of items and other
 * blocks refer to, and moves to the slice of its key: so blocks of several slices may become one.
 */
export class BlockLines {
  readonly #pipeline: string;
  readonly #means: LinesMeans;

  constructor(pipeline: string, means: LinesMeans) {
    this.#pipeline = pipeline;
    this.#means = means;
  }

  async place(rows: readonly CopiedRow[]): Promise<readonly CopiedRow[]> {
    const { timeline, sliceOf } = this.#means;
    const events = await this.#eventsOf(rows);
    return rows.flatMap(({ slice, values }) => {
      const block = Number(cellOf('blocks', 'block', values));
      return timeline
        .linesOf(block, textOf(values), events.get(slice) ?? new Map())
        .map(({ key, text }) => ({ slice: sliceOf(this.#pipeline, key), place: block, values: [text] }));
    });
  }

  /** Returns the events of blocks, by slice and position. */
  async #eventsOf(rows: readonly CopiedRow[]): Promise<ReadonlyMap<number, ReadonlyMap<number, EventAt>>> {
    const { source, timeline } = this.#means;
    const places = rows.flatMap(({ slice, values }) =>
      timeline.positionsIn(textOf(values)).map((position): EventPlace => ({ slice, position })),
    );
    const found = new Map<number, Map<number, EventAt>>();
    for (let from = 0; from < places.length; from += placesMax)
      for (const event of await source.eventsAt(this.#pipeline, places.slice(from, from + placesMax))) {
        const own = found.get(event.slice) ?? new Map();
        found.set(event.slice, own.set(event.position, event));
      }
    return found;
  }
}

/** Joins lines to blocks, in the order of their first lines. A block's only value is the text of its lines. */
export function blocksOf(lines: readonly CopiedRow[]): readonly CopiedRow[] {
  const byBlock = Map.groupBy(lines, ({ slice, place }) => `${place} ${slice}`);
  return Array.from(byBlock.values(), (own) => {
    const [{ slice, place }] = own as [CopiedRow];
    return { slice, place, values: [own.map(({ values: [text] }) => `${text}\n`).join('')] };
  });
}

/** Splits stored blocks that a copy has written into their lines. */
export function linesOf(blocks: readonly CopiedRow[]): readonly CopiedRow[] {
  return blocks.flatMap(({ slice, values }) => {
    const place = Number(cellOf('blocks', 'block', values));
    const [, ...lines] = textOf(values).split('\n');
    return lines.slice(0, -1).map((text) => ({ slice, place, values: [text] }));
  });
}

/** Returns the first line of a block: its moment, which times in it are relative to. A copied block's moment is its number. */
export function headOf(block: number): string {
  return `[${block}]\n`;
}

function textOf(values: CopiedRow['values']): string {
  return String(cellOf('blocks', 'text', values));
}
