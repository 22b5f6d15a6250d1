import type { ArrivedCall, ShownItem } from '../ledger.ts';
import type { RetoldAttempts } from './retold-attempts.ts';
import { type KnownKey, subjects } from './timeline-facts.ts';

/** The results that the called side may know of a call, by the result that the timeline tells. */
const resultsOf: Readonly<Record<string, readonly ArrivedCall['result'][]>> = {
  delivered: ['delivered'],
  unknown: ['doubtful'],
  refused: ['refused'],
  // A call without an answer in time fails.
  failed: ['failed', 'unknown'],
};

/** Follows the calls of a key: each one that is told of was made. A call whose result did not commit is repeated, and so need not be told of. */
export class RetoldCalls {
  readonly #known: KnownKey;
  readonly #attempts: RetoldAttempts;
  readonly #say: (broken: string) => void;
  /** Results so far, by delivery. */
  readonly #results = new Map<string, string[]>();

  constructor(known: KnownKey, attempts: RetoldAttempts, say: (broken: string) => void) {
    this.#known = known;
    this.#attempts = attempts;
    this.#say = say;
  }

  take(item: ShownItem): void {
    const { endpoint, delivery, result } = item;
    const name = subjects.delivery(endpoint, delivery);
    const told = this.#results.get(name) ?? [];
    told.push(String(result));
    this.#results.set(name, told);
    const possible = resultsOf[String(result)] ?? [];
    const arrived = this.#known.calls.filter(
      (call) => subjects.delivery(call.endpoint, call.id) === name && possible.includes(call.result),
    );
    const isKnown = this.#known.endpoints.includes(String(endpoint));
    if (isKnown && told.filter((one) => one === result).length > arrived.length)
      this.#say(`tells ${told.length} calls of ${name}, the last one ${result}, and ${arrived.length} were so`);
    this.#attempts.failed(name, item);
    if (result === 'delivered') this.#attempts.over(name);
    this.#attempts.over(subjects.outcome(endpoint, delivery));
  }

  /** Checks that a key learns of a success or a doubt from the call before. */
  checkOutcome({ endpoint, delivery }: ShownItem, status: string): void {
    const name = subjects.delivery(endpoint, delivery);
    const last = this.#results.get(name)?.at(-1);
    if ((status === 'delivered' || status === 'unknown') && last !== status)
      this.#say(`tells the outcome of ${name}, ${status}, after a call that was ${last ?? 'not made'}`);
  }
}
