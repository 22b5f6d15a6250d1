import type { TimelineItem } from './timeline-page.ts';

/** Kinds that tell of a turn: of an event, of a timer that has come due, or of an outcome. */
const turns: ReadonlySet<TimelineItem['kind']> = new Set(['handled', 'ignored', 'failed']);

/** Operator actions that retry a dead letter, which is their subject. */
const redrives: ReadonlySet<unknown> = new Set(['redrive', 'resume key']);

/** Returns whether an item came from another one that is not among those known: from the turn that set its timer, or from its delivery. */
export function lacksCause({ kind, causedBy, timer, delivery }: TimelineItem): boolean {
  if (causedBy !== undefined) return false;
  return (turns.has(kind) && (timer ?? delivery) !== undefined) || kind === 'delivery-called' || kind === 'delivery-withdrawn';
}

/**
 * Returns items with the causes that other items tell of. What commits write names causes within a turn alone, so that a turn costs no look-up: which turn
 * set a timer, asked for a delivery or failed before a redrive is found here, when somebody reads.
 *
 * @param items of a key, the newest first
 * @param earlier those before them, the newest first, where they are known: they may be causes, and are not returned
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
  /** The ids of the last items that set a timer, that asked for a delivery, that told of the end of a call, and that redrove, by what these are about. */
  readonly #begun = new Map<string, string>();
  readonly #called = new Map<string, string>();
  readonly #redriven = new Map<string, string>();
  /** The subject of a dead letter, and the id of the item that reports it. */
  readonly #letters = new Map<unknown, { readonly about: string | undefined; readonly id: string }>();
  /** The subjects of the latest failed attempts, by their ids. */
  readonly #failed = new Map<string, string | undefined>();

  /** Returns an item with its cause, and remembers what it tells. */
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
    // An outcome comes from the call that it is of.
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

/** Returns whether a turn tells of an item as what it has decided: the turn is its cause. */
function isEffect({ kind }: TimelineItem): boolean {
  return kind === 'timer-set' || kind === 'timer-cancelled' || kind === 'delivery-asked' || kind === 'sent';
}

/** The name of the event, timer or delivery that an item is about. */
function aboutOf({ event, timer, endpoint, delivery }: TimelineItem): string | undefined {
  if (timer !== undefined) return JSON.stringify(['timer', timer]);
  if (delivery !== undefined) return JSON.stringify(['delivery', endpoint, delivery]);
  return event === undefined ? undefined : JSON.stringify(['event', event]);
}
