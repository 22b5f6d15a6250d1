import type { AppliedTurn, ShownItem } from '../ledger.ts';
import type { RetoldAttempts } from './retold-attempts.ts';
import type { RetoldCalls } from './retold-calls.ts';
import { type KnownKey, subjects } from './timeline-facts.ts';

/** An effect that must follow the item of its turn. */
interface Effect {
  readonly words: string;
  readonly isOptional: boolean;
}

interface TurnsContext {
  readonly attempts: RetoldAttempts;
  readonly calls: RetoldCalls;
  say(broken: string): void;
}

/** Identifies the event, timer or outcome whose attempt an item tells of. */
export function subjectOf({ event, timer, endpoint, delivery }: ShownItem): string {
  if (timer !== undefined) return subjects.timer(timer);
  return delivery === undefined ? subjects.event(event) : subjects.outcome(endpoint, delivery);
}

/** Follows the turns of a key: each that took effect is told, in order, and followed by what it decided. */
export class RetoldTurns {
  readonly #known: KnownKey;
  readonly #context: TurnsContext;
  /** The timers of the turns, by arm. */
  readonly #timers: ReadonlyMap<string, string>;
  /** Number of turns so far. */
  #taken = 0;
  /** The item of the last turn, and the effects that must still follow it. */
  #last: ShownItem | undefined;
  #effects: Effect[] = [];
  /** Deliveries requested so far. */
  readonly #asked = new Set<string>();

  constructor(known: KnownKey, context: TurnsContext) {
    this.#known = known;
    this.#context = context;
    const armed = known.turns.flatMap((turn) => turn.armed ?? []);
    this.#timers = new Map(armed.flatMap(({ arm, timer }) => (arm === null ? [] : [[arm, timer]])));
  }

  take(item: ShownItem): void {
    this.#endEffects();
    const { say, calls } = this.#context;
    const turn = this.#known.turns[this.#taken];
    this.#taken += 1;
    this.#last = item;
    const words = this.#wordsOfItem(item);
    const expected = turn && this.#wordsOf(turn);
    this.#checkAttempt(item, turn);
    if (words !== expected) say(`tells a turn of ${words}, expected ${expected ?? 'none'}`);
    this.#effects = turn === undefined ? [] : this.#effectsOf(turn);
    if (turn?.cause.kind === 'outcome') calls.checkOutcome(item, turn.cause.status);
  }

  takeIgnored(item: ShownItem): void {
    this.#endEffects();
    const event = this.#known.eventOf(item.event);
    this.#checkAttempt(item, undefined);
    if (event === undefined || !this.#known.isIgnored(event)) this.#context.say(`tells that ${this.#wordsOfItem(item)} was ignored`);
  }

  takeEffect(item: ShownItem): void {
    const { say, attempts } = this.#context;
    const words = this.#wordsOfEffect(item);
    while (this.#effects[0]?.isOptional === true && this.#effects[0].words !== words) this.#effects.shift();
    const expected = this.#effects.shift()?.words ?? 'no effect';
    if (words !== expected) say(`tells ${words}, expected ${expected}`);
    if (item.causedBy !== this.#last?.id || item.commit !== this.#last?.commit) say(`tells ${words} apart from its turn`);
    if (item.timer !== undefined) attempts.over(subjects.timer(item.timer));
  }

  end(): void {
    this.#endEffects();
    const missing = this.#known.turns[this.#taken];
    if (missing !== undefined) this.#context.say(`does not tell the turn of ${this.#wordsOf(missing)}`);
  }

  #checkAttempt(item: ShownItem, turn: AppliedTurn | undefined): void {
    const { attempts, say } = this.#context;
    const subject = subjectOf(item);
    const attempt = attempts.of(subject) + 1;
    attempts.over(subject);
    if (item.attempt !== attempt) say(`tells attempt ${item.attempt} of ${subject} after ${attempt - 1} that failed`);
    if (item.attempt !== (turn?.attempt ?? item.attempt))
      say(`tells attempt ${item.attempt} of ${subject}, which was attempt ${turn?.attempt}`);
    const acceptedAt = this.#known.eventOf(item.event)?.acceptedAt;
    if (item.acceptedAt !== acceptedAt) say(`tells that ${subject} was accepted at ${item.acceptedAt}, expected ${acceptedAt}`);
  }

  #endEffects(): void {
    const missing = this.#effects.find(({ isOptional }) => !isOptional);
    if (missing !== undefined) this.#context.say(`does not tell ${missing.words}`);
    this.#effects = [];
  }

  #effectsOf({ armed = [], sent = [], asked = [] }: AppliedTurn): Effect[] {
    const deliveries = asked.map(({ endpoint, id }) => {
      const words = `delivery-asked ${endpoint}/${id}`;
      // Nothing is requested again that has an outcome of which the key does not know.
      const isOptional = this.#asked.has(words);
      this.#asked.add(words);
      return { words, isOptional };
    });
    const others = [
      ...armed.map(({ timer, arm, dueAt }) => (arm === null ? `timer-cancelled ${timer}` : `timer-set ${timer} ${dueAt}`)),
      ...sent.map(({ pipeline, key, name }) => `sent ${JSON.stringify([pipeline, key, name])}`),
    ];
    return [...others.map((words) => ({ words, isOptional: false })), ...deliveries];
  }

  #wordsOf({ cause }: AppliedTurn): string {
    if (cause.kind === 'event') return `event ${cause.name}`;
    return cause.kind === 'timer' ? subjects.timer(this.#timers.get(cause.arm)) : subjects.outcome(cause.endpoint, cause.id);
  }

  #wordsOfItem(item: ShownItem): string {
    return item.event === undefined ? subjectOf(item) : `event ${this.#known.eventOf(item.event)?.name}`;
  }

  #wordsOfEffect({ kind, timer, dueAt, to, sent, endpoint, delivery }: ShownItem): string {
    if (kind === 'timer-set') return `timer-set ${timer} ${dueAt}`;
    if (kind === 'timer-cancelled') return `timer-cancelled ${timer}`;
    if (kind === 'delivery-asked') return `delivery-asked ${endpoint}/${delivery}`;
    const event = this.#known.eventOf(sent, to);
    return `sent ${JSON.stringify([to, event?.key, event?.name])}`;
  }
}
