import { lettersOf } from '../../src/store/letters-of.ts';
import type { AppliedTurn, Armed, Cause, Ledger } from '../ledger.ts';
import type { Evidence } from './evidence.ts';
import { titleOf } from './log.ts';

/**
 * Promise 5: each armed timer has fired once, not before it was due; or was cancelled or replaced, and then never fired; or is pending;
 * or was given up. A timer that was due before an event was accepted had its turn before that event, and a timer that
 * came due later had its turn after it.
 */
export function checkTimers(evidence: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  const acceptedAt = new Map(evidence.events.map((event) => [titleOf(event), event.acceptedAt]));
  // After a step back, moments before and after it cannot be compared.
  const isSetBack = ledger.clockJumpsMs?.some((ms) => ms < 0) ?? false;
  for (const [key, record] of evidence.keys) {
    const turns = evidence.turns.get(key) ?? [];
    if (turns.some(({ armed }) => armed === undefined)) continue;
    const replay = new Replay({ givenUp: givenUpOf(key, evidence, ledger), isSetBack }, (broken) => say(`key ${key}: ${broken}`));
    for (const turn of turns) replay.take(turn, acceptedAt);
    if (!evidence.witness.numbered && !isSetBack) checkNoneTooSoon(key, evidence, ledger, (broken) => say(`key ${key}: ${broken}`));
    replay.compare(new Map(record.timers.map(({ name, dueAt }) => [name, dueAt])));
  }
}

/** Timers that became dead letters: a redriven one may fire although another timer has taken its name. */
function givenUpOf(key: string, { witness, letters }: Evidence, { resolved }: Ledger): ReadonlySet<string> {
  const armOf = witness.armOf ?? ((data) => (data === null ? '' : String(JSON.parse(data))));
  const named = resolved.filter((one) => one.pipeline === witness.pipeline && one.key === key && one.what === 'timer');
  const dead = lettersOf('timer', letters).flatMap((letter) => (letter.key === key ? [armOf(letter.timer.data)] : []));
  return new Set([...named.map(({ name }) => name), ...dead]);
}

/** Checks that no timer had its turn before an event acknowledged before the timer came due, unless the event was given up and redriven. */
function checkNoneTooSoon(key: string, evidence: Evidence, { ingests, resolved }: Ledger, say: (broken: string) => void): void {
  const { pipeline } = evidence.witness;
  const redriven = new Set(
    resolved.flatMap((one) => (one.pipeline === pipeline && one.key === key && one.what === 'event' && !one.wasParked ? [one.name] : [])),
  );
  const answeredAt = new Map(
    ingests.flatMap((one) =>
      one.pipeline === pipeline && one.key === key && one.answer === 'accepted' && one.answeredAt !== undefined && !redriven.has(one.name)
        ? [[one.name, one.answeredAt]]
        : [],
    ),
  );
  const turns = evidence.turns.get(key) ?? [];
  const dueAt = new Map(turns.flatMap(({ armed = [] }) => armed.map((one) => [one.arm, one.dueAt])));
  const later = new Set(evidence.events.flatMap((event) => (event.key === key && event.isWaiting ? [event.name] : [])));
  for (const { cause } of turns.toReversed()) {
    if (cause.kind === 'event') later.add(cause.name);
    if (cause.kind !== 'timer') continue;
    for (const name of later) {
      if ((answeredAt.get(name) ?? Number.POSITIVE_INFINITY) < (dueAt.get(cause.arm) ?? 0))
        say(`timer ${cause.arm} overtook ${name}, which was accepted before it was due`);
    }
  }
}

/** Follows the timers of a key, turn by turn. */
class Replay {
  readonly #givenUp: ReadonlySet<string>;
  readonly #isSetBack: boolean;
  readonly #say: (broken: string) => void;
  /** By the name of the timer. */
  readonly #pending = new Map<string, Armed>();
  /** By arm. */
  readonly #armed = new Map<string, Armed>();
  readonly #fired = new Set<string>();

  constructor(
    { givenUp, isSetBack }: { readonly givenUp: ReadonlySet<string>; readonly isSetBack: boolean },
    say: (broken: string) => void,
  ) {
    this.#givenUp = givenUp;
    this.#isSetBack = isSetBack;
    this.#say = say;
  }

  take({ key, cause, armed = [] }: AppliedTurn, acceptedAt: ReadonlyMap<string, number>): void {
    if (cause.kind === 'timer') this.#fire(cause);
    if (cause.kind === 'event' && !this.#isSetBack) this.#checkOverdue(cause.name, acceptedAt.get(titleOf({ key, name: cause.name })) ?? 0);
    for (const one of armed) this.#arm(one);
  }

  /** Compares the timers that must be pending with the pending ones: the due time, by name. */
  compare(stored: ReadonlyMap<string, number>): void {
    for (const [timer, { arm, dueAt }] of this.#pending) {
      const found = stored.get(timer);
      if (found === dueAt || (this.#givenUp.has(String(arm)) && (found === undefined || this.#isBroughtForward(dueAt, found)))) continue;
      this.#say(`timer ${arm} is due at ${dueAt}, but the store has ${found ?? 'none'}`);
    }
    for (const [timer, dueAt] of stored) {
      if (!this.#pending.has(timer) && !this.#isRedriven(timer, dueAt)) this.#say(`a timer ${timer} is pending that nobody set`);
    }
  }

  #isRedriven(timer: string, dueAt: number): boolean {
    return Array.from(this.#armed.values()).some(
      (one) =>
        one.timer === timer && (one.dueAt === dueAt || this.#isBroughtForward(one.dueAt, dueAt)) && this.#givenUp.has(String(one.arm)),
    );
  }

  /** A redriven timer comes due at once, even if the clock was set back since. */
  #isBroughtForward(dueAt: number, found: number): boolean {
    return this.#isSetBack && found < dueAt;
  }

  #fire({ arm, at }: Cause & { readonly kind: 'timer' }): void {
    const armed = this.#armed.get(arm);
    const isPending = armed !== undefined && this.#pending.get(armed.timer) === armed;
    if (armed === undefined) this.#say(`a timer ${arm} fired that nobody set`);
    else if (this.#fired.has(arm)) this.#say(`timer ${arm} fired twice`);
    else if (!isPending && !this.#givenUp.has(arm)) this.#say(`timer ${arm} fired although it was cancelled or replaced`);
    else if (at < armed.dueAt && !this.#isSetBack) this.#say(`timer ${arm} fired ${armed.dueAt - at} ms early`);
    if (isPending) this.#pending.delete(armed.timer);
    this.#fired.add(arm);
  }

  #checkOverdue(event: string, acceptedAt: number): void {
    for (const { arm, dueAt } of this.#pending.values()) {
      if (dueAt >= acceptedAt || this.#givenUp.has(String(arm))) continue;
      this.#say(`${event} overtook timer ${arm}, which was due before it was accepted`);
    }
  }

  #arm(armed: Armed): void {
    if (armed.arm === null) this.#pending.delete(armed.timer);
    else {
      this.#pending.set(armed.timer, armed);
      this.#armed.set(armed.arm, armed);
    }
  }
}
