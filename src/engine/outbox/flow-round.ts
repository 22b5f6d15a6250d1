/** Crowded flows that a round remembers. */
const crowdedMax = 64;
/** A round is followed by a pause that is so many times as long, up to a second. */
const pauseFactor = 10;
const pauseMsMax = 1_000;

/** What a look at a page of flows has found. */
export interface FlowsSeen {
  /** The flow to go on from; null behind the last one. */
  readonly next: string | null;
  /** Whether some that were read had to be left, or more may be due. */
  readonly isCrowded: boolean;
  /** Flows of which more may be due than is in hand. */
  readonly full: readonly string[];
}

/** A look through all flows of an endpoint, page by page. */
export class FlowRound {
  readonly #crowded = new Set<string>();
  #from: string | null = null;
  #isCrowded = false;
  #tookMs = 0;

  /** The flow to go on from; null: the first. */
  get from(): string | null {
    return this.#from;
  }

  /** Flows of which more is due than is in hand. */
  get crowded(): readonly string[] {
    return Array.from(this.#crowded);
  }

  /** Whether some that were read had to be left, or more may be due. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** How long to leave the store to others after it, in milliseconds. */
  get pauseMs(): number {
    return Math.min(this.#tookMs * pauseFactor, pauseMsMax);
  }

  /** A page was looked at. @param tookMs how long the store took, in elapsed milliseconds */
  saw({ next, isCrowded, full }: FlowsSeen, tookMs: number): void {
    this.#tookMs += tookMs;
    this.#from = next;
    this.#isCrowded ||= isCrowded;
    for (const flow of full) if (this.#crowded.size < crowdedMax) this.#crowded.add(flow);
  }

  /** Some that were read are left in the store. */
  left(): void {
    this.#isCrowded = true;
  }
}
