import type { TimelineItem } from './timeline-page.ts';

/** Kinds of items that report a turn: of an event, a due timer, or an outcome. */
const turns: ReadonlySet<TimelineItem['kind']> = new Set(['handled', 'ignored', 'failed']);

/** Operator actions that retry a dead letter, which is their subject. */
const redrives: ReadonlySet<unknown> = new Set(['redrive', 'resume key']);

/** Returns whether an item has a cause that is still unknown: the turn that set its timer, or its delivery. */
export function lacksCause({ kind, causedBy, timer, delivery }: TimelineItem): boolean {
  if (causedBy !== undefined) return false;
  return (turns.has(kind) && (timer ?? delivery) !== undefined) || kind === 'delivery-called' || kind === 'delivery-withdrawn';
}

/**
 * Returns items with the causes found in other items. Commits record only causes within a turn, so that no turn costs a look-up. The turn
 * that set a timer, requested a delivery or failed before a redrive is found here, on reading.
 *
 * @param items the items of a key, newest first
 * @param earlier known items before these, newest first: they may be causes, and are not returned
 */
export function withCauses(items: readonly TimelineItem[], earlier: readonly TimelineItem[] = []): readonly TimelineItem[] {
  const causes = new Causes();
  for (const item of earlier.toReversed()) causes.pass(item);
  return items
    .toReversed()
    .map((item) => causes.pass(item))
    .toReversed();
}

/** Possible causes of later items, collected from the items so far, oldest first. */
class Causes {
  /**
   * The ids of the last items that set a timer or requested a delivery, that reported the end of a call, and that redrove something; by the
   * subjects of these items.
   */
  readonly #begun = new Map<string, string>();
  readonly #called = new Map<string, string>();
  readonly #redriven = new Map<string, string>();
  /** The subject of a dead letter, and the id of the item that reports it. */
  readonly #letters = new Map<unknown, { readonly about: string | undefined; readonly id: string }>();
  /** The subjects of the latest failed attempts, by their ids. */
  readonly #failed = new Map<string, string | undefined>();

  /** Returns an item with its cause, and remembers the item. */
  pass(item: TimelineItem): TimelineItem {
    const causedBy = this.#causeOf(item);
    this.#remember(item);
    return causedBy === undefined ? item : { ...item, causedBy };
  }

  #causeOf(item: TimelineItem): string | undefined {
    const about = aboutOf(item);
    const letter = this.#letters.get(item.deadLetter);
    if (item.kind === 'redriven' || item.kind === 'discarded') return letter?.id;
    if (about === undefined || isEffect(item)) return item.causedBy;
    const begun = this.#redriven.get(about) ?? this.#begun.get(about);
    if (item.kind === 'delivery-called' || item.kind === 'delivery-withdrawn') return begun;
    if (!turns.has(item.kind)) return item.causedBy;
    // An outcome is caused by its call.
    return (item.delivery === undefined ? begun : (this.#called.get(about) ?? begun)) ?? item.causedBy;
  }

  #remember(item: TimelineItem): void {
    const { id, kind } = item;
    const about = aboutOf(item);
    if (kind === 'failed') this.#failed.set(id, about);
    else if (kind === 'gave-up') this.#letters.set(item.deadLetter, { about: about ?? this.#failed.get(item.causedBy ?? ''), id });
    else if (kind === 'redriven') this.#redrove(item.deadLetter, id);
    else if (kind === 'operator' && redrives.has(item.action)) this.#redrove(item.subject, id);
    else if (about !== undefined) this.#pass(kind, about, id);
  }

  #redrove(letter: unknown, id: string): void {
    const about = this.#letters.get(letter)?.about;
    if (about !== undefined) this.#redriven.set(about, id);
  }

  #pass(kind: TimelineItem['kind'], about: string, id: string): void {
    if (kind === 'delivery-called' || kind === 'delivery-withdrawn') this.#called.set(about, id);
    if (kind !== 'timer-set' && kind !== 'delivery-asked') return;
    this.#begun.set(about, id);
    this.#redriven.delete(about);
  }
}

/** Returns whether an item is the effect of a turn, which is then its cause. */
function isEffect({ kind }: TimelineItem): boolean {
  return kind === 'timer-set' || kind === 'timer-cancelled' || kind === 'delivery-asked' || kind === 'sent';
}

/** The name of the event, timer or delivery that an item is about. */
function aboutOf({ event, timer, endpoint, delivery }: TimelineItem): string | undefined {
  if (timer !== undefined) return JSON.stringify(['timer', timer]);
  if (delivery !== undefined) return JSON.stringify(['delivery', endpoint, delivery]);
  return event === undefined ? undefined : JSON.stringify(['event', event]);
}
