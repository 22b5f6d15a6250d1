import type { DeadLetter, DeadLetterKind, HeldEvent, KeyRecord } from '../../src/store/store.ts';
import type { AppliedTurn, ArrivedCall, Ledger, Resolved } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';

/** Everything that the timeline of a key must tell. */
export interface KnownKey {
  readonly turns: readonly AppliedTurn[];
  readonly calls: readonly ArrivedCall[];
  /** The endpoints whose calls are known. */
  readonly endpoints: readonly string[];
  /** By id. */
  readonly letters: ReadonlyMap<string, KnownLetter>;
  /** Failed attempts of everything that waits for another one, by subject. */
  readonly attempts: ReadonlyMap<string, number>;
  /** Returns an event by its id, by default one of this pipeline. */
  eventOf(id: unknown, pipeline?: unknown): NamedEvent | undefined;
  /** Returns whether an event was rightly passed over. */
  isIgnored(event: NamedEvent): boolean;
}

/** A dead letter that is there, or that an operator has tried to resolve. */
export interface KnownLetter {
  readonly kind: DeadLetterKind;
  readonly subject: string;
  /** Undefined if it is no longer there. */
  readonly attempts: number | undefined;
  /** Everything that was tried with it, if it is no longer there. */
  readonly ends: readonly Resolved['how'][];
}

/** Identifies the event, timer, outcome or delivery of an item, a dead letter, or something that waits. */
export const subjects = {
  event: (id: unknown) => `event ${id}`,
  timer: (name: unknown) => `timer ${name}`,
  outcome: (endpoint: unknown, id: unknown) => `outcome ${endpoint}/${id}`,
  delivery: (endpoint: unknown, id: unknown) => `delivery ${endpoint}/${id}`,
} as const;

type ByKey<T> = ReadonlyMap<string, readonly T[]>;

/** The facts about a pipeline that its timelines must tell, by key. */
export class TimelineFacts {
  readonly #evidence: Evidence;
  readonly #logged: ReadonlyMap<string, NamedEvent>;
  readonly #events: ByKey<NamedEvent>;
  readonly #held: ByKey<HeldEvent>;
  readonly #letters: ByKey<DeadLetter>;
  readonly #resolved: ByKey<Resolved>;
  readonly #calls: ByKey<ArrivedCall>;

  /** @param logged the events of all pipelines, by pipeline and id */
  constructor(evidence: Evidence, { resolved, calls }: Ledger, logged: ReadonlyMap<string, NamedEvent>) {
    const { pipeline } = evidence.witness;
    this.#evidence = evidence;
    this.#logged = logged;
    this.#events = byKey(evidence.events);
    this.#held = byKey(evidence.slices.flatMap(({ held }) => held));
    this.#letters = byKey(evidence.letters);
    this.#resolved = byKey(resolved.filter((one) => one.pipeline === pipeline));
    this.#calls = byKey(calls.filter((one) => one.pipeline === pipeline));
  }

  of(key: string, record: KeyRecord): KnownKey {
    const { witness } = this.#evidence;
    const turns = this.#evidence.turns.get(key) ?? [];
    return {
      turns,
      endpoints: witness.endpoints.map(({ name }) => name),
      calls: this.#calls.get(key) ?? [],
      letters: this.#lettersOf(key),
      attempts: this.#attemptsOf(key, record),
      eventOf: (id, pipeline = witness.pipeline) => this.#logged.get(`${pipeline} ${id}`),
      isIgnored: (event) => witness.isIgnored?.(event, turns) === true,
    };
  }

  #lettersOf(key: string): ReadonlyMap<string, KnownLetter> {
    const letters = new Map<string, KnownLetter>();
    for (const one of this.#resolved.get(key) ?? []) {
      const ends = [...(letters.get(one.id)?.ends ?? []), one.how];
      letters.set(one.id, { kind: one.what, subject: this.#subjectOf(one), attempts: undefined, ends });
    }
    for (const letter of this.#letters.get(key) ?? []) {
      const { id, kind, attempts } = letter;
      letters.set(id, { kind, subject: subjectOfLetter(letter), attempts, ends: [] });
    }
    return letters;
  }

  #subjectOf({ what, key, name }: Resolved): string {
    if (what === 'event') return subjects.event(this.#events.get(key)?.find((event) => event.name === name)?.id);
    if (what !== 'timer') return `${what} ${name}`;
    const armed = this.#evidence.turns.get(key)?.flatMap((turn) => turn.armed ?? []);
    return subjects.timer(armed?.find(({ arm }) => arm === name)?.timer);
  }

  #attemptsOf(key: string, { timers, outcomes }: KeyRecord): ReadonlyMap<string, number> {
    const parking = (this.#letters.get(key) ?? []).flatMap((letter) =>
      letter.kind === 'event' && letter.parked ? [letter.event.position] : [],
    );
    const held = (this.#held.get(key) ?? []).filter(({ position }) => !parking.includes(position));
    return new Map([
      ...held.map(({ id, attempts }) => [subjects.event(id), attempts] as const),
      ...timers.map(({ name, attempts }) => [subjects.timer(name), attempts] as const),
      ...outcomes.map(({ endpoint, id, attempts }) => [subjects.outcome(endpoint, id), attempts] as const),
    ]);
  }
}

function subjectOfLetter(letter: DeadLetter): string {
  switch (letter.kind) {
    case 'event':
      return subjects.event(letter.eventId);
    case 'timer':
      return subjects.timer(letter.timer.name);
    case 'outcome':
      return subjects.outcome(letter.outcome.endpoint, letter.outcome.id);
    case 'delivery':
      return subjects.delivery(letter.delivery.endpoint, letter.delivery.id);
    default:
      return letter.kind;
  }
}

function byKey<T extends { readonly key: string }>(all: readonly T[]): ByKey<T> {
  return Map.groupBy(all, ({ key }) => key);
}
