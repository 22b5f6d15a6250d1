import type { AuditEntry } from '../store/store.ts';
import { findLine, type ToldItem } from './timeline-items.ts';
import type { TimelineItem, TimelinePage, TimelinePlace } from './timeline-page.ts';

/** Maximum UTF-16 units of blocks read for one page. */
const charactersMax = 16 * 1024 * 1024;

interface Beginning {
  readonly limit: number;
  readonly place: TimelinePlace | undefined;
  /** Blocks known to mention the key. */
  readonly named: readonly number[];
  /** Operators' actions on it, latest first. */
  readonly audit: readonly AuditEntry[];
}

/**
 * Walks down the chain of a key's blocks for one page, merging operators' actions in by moment, which a block's number approximates from
 * above.
 */
export class TimelineWalk {
  readonly #key: string;
  readonly #limit: number;
  readonly #items: TimelineItem[] = [];
  readonly #waiting: Set<number>;
  readonly #audit: AuditEntry[];
  #before: number;
  #auditBefore: string | null;
  #prunedBefore: number | undefined;
  #charactersLeft = charactersMax;

  constructor(key: string, { limit, place, named, audit }: Beginning) {
    this.#key = key;
    this.#limit = limit;
    this.#before = place?.before ?? Number.MAX_SAFE_INTEGER;
    this.#waiting = new Set([...named.filter((block) => block < this.#before), ...(place?.chain ?? [])]);
    this.#audit = [...audit];
    this.#auditBefore = place?.audit ?? null;
  }

  /** The items so far, newest first. */
  get items(): readonly TimelineItem[] {
    return this.#items;
  }

  /** Returns the block to read next; undefined at the end of the page. */
  next(): number | undefined {
    if (this.#waiting.size === 0 || this.#charactersLeft <= 0) return undefined;
    const block = Math.max(...this.#waiting);
    this.#takeAudit(block);
    return this.#items.length < this.#limit ? block : undefined;
  }

  /** @param text the block's text; null if it is pruned */
  take(block: number, text: string | null): void {
    this.#waiting.delete(block);
    this.#before = block;
    if (text === null) {
      this.#prunedBefore = Math.max(this.#prunedBefore ?? 0, block + 1);
      return;
    }
    this.#charactersLeft -= text.length;
    const line = findLine(text, this.#key);
    if (line === undefined) return;
    // Only downwards, so that the walk ends whatever a block says.
    if (line.before !== null && line.before < block) this.#waiting.add(line.before);
    for (const [at, told] of Array.from(line.items.entries()).toReversed()) this.#items.push(toItem(block, at, told));
  }

  page(): TimelinePage {
    if (this.#waiting.size === 0) this.#takeAudit(Number.NEGATIVE_INFINITY);
    const isLast = this.#waiting.size === 0 && this.#audit.length === 0;
    return {
      items: this.#items,
      ...(!isLast && { next: { before: this.#before, chain: Array.from(this.#waiting), audit: this.#auditBefore } }),
      ...(this.#prunedBefore !== undefined && { prunedBefore: this.#prunedBefore }),
    };
  }

  #takeAudit(after: number): void {
    for (let [entry] = this.#audit; entry !== undefined && entry.at > after && this.#items.length < this.#limit; [entry] = this.#audit) {
      this.#items.push(ofOperator(entry));
      this.#auditBefore = entry.id;
      this.#audit.shift();
    }
  }
}

function toItem(block: number, place: number, { kind, at, durationMs, of, ...facts }: ToldItem): TimelineItem {
  const causedBy = of === undefined ? facts.event : `${block}.${of}`;
  return {
    id: `${block}.${place}`,
    at,
    ...(durationMs !== undefined && { durationMs }),
    kind,
    ...(causedBy !== undefined && { causedBy }),
    commit: String(block),
    ...facts,
  };
}

function ofOperator({ id, at, who, action, subject, reason }: AuditEntry): TimelineItem {
  return { id, at, kind: 'operator', commit: null, who, action, subject, reason };
}
