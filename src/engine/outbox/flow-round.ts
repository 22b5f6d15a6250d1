/** Maximum crowded flows that a round remembers. */
const crowdedMax = 64;
/** A round is followed by a pause this many times as long, up to a second. */
const pauseFactor = 10;
const pauseMsMax = 1_000;

/** The result of looking at a page of flows. */
export interface FlowsSeen {
  /** The flow to continue from; null after the last one. */
  readonly next: string | null;
  /** True if some deliveries read had to be left, or more may be due. */
  readonly isCrowded: boolean;
  /** Flows that may have more due than is in hand. */
  readonly full: readonly string[];
}

/** A pass through all flows of an endpoint, page by page. */
export class FlowRound {
  readonly #crowded = new Set<string>();
  #from: string | null = null;
  #isCrowded = false;
  #tookMs = 0;

  /** The flow to continue from; null: the first. */
  get from(): string | null {
    return this.#from;
  }

  /** Flows with more due than is in hand. */
  get crowded(): readonly string[] {
    return Array.from(this.#crowded);
  }

  /** True if some deliveries read had to be left, or more may be due. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** Pause afterwards that leaves the store to others, in milliseconds. */
  get pauseMs(): number {
    return Math.min(this.#tookMs * pauseFactor, pauseMsMax);
  }

  /** Notes a page. @param tookMs how long the store took, in elapsed milliseconds */
  saw({ next, isCrowded, full }: FlowsSeen, tookMs: number): void {
    this.#tookMs += tookMs;
    this.#from = next;
    this.#isCrowded ||= isCrowded;
    for (const flow of full) if (this.#crowded.size < crowdedMax) this.#crowded.add(flow);
  }

  /** Notes that some deliveries read are left in the store. */
  left(): void {
    this.#isCrowded = true;
  }
}
