import type { ShownItem } from '../ledger.ts';
import { RetoldAttempts } from './retold-attempts.ts';
import { RetoldCalls } from './retold-calls.ts';
import { RetoldLetters } from './retold-letters.ts';
import { RetoldTurns, subjectOf } from './retold-turns.ts';
import type { KnownKey } from './timeline-facts.ts';

/** Follows the timeline of a key, oldest first, and compares it with what is known. */
export class Retelling {
  readonly #say: (broken: string) => void;
  readonly #attempts: RetoldAttempts;
  readonly #calls: RetoldCalls;
  readonly #letters: RetoldLetters;
  readonly #turns: RetoldTurns;

  constructor(known: KnownKey, say: (broken: string) => void) {
    this.#say = say;
    this.#attempts = new RetoldAttempts(known, say);
    this.#calls = new RetoldCalls(known, this.#attempts, say);
    this.#letters = new RetoldLetters(known, this.#attempts, say);
    this.#turns = new RetoldTurns(known, { attempts: this.#attempts, calls: this.#calls, say });
  }

  /** @param items oldest first */
  check(items: readonly ShownItem[]): void {
    for (const item of items) this.#take(item);
    this.#turns.end();
    this.#attempts.end();
    this.#letters.end();
  }

  #take(item: ShownItem): void {
    switch (item.kind) {
      case 'handled':
        this.#turns.take(item);
        break;
      case 'ignored':
        this.#turns.takeIgnored(item);
        break;
      case 'timer-set':
      case 'timer-cancelled':
      case 'sent':
      case 'delivery-asked':
        this.#turns.takeEffect(item);
        break;
      case 'failed':
        this.#attempts.failed(subjectOf(item), item);
        break;
      case 'delivery-called':
        this.#calls.take(item);
        break;
      case 'gave-up':
      case 'gap-skipped':
        this.#letters.take(item);
        break;
      case 'redriven':
      case 'discarded':
        this.#letters.takeEnd(item, { id: item.deadLetter, how: item.kind });
        break;
      case 'operator':
        this.#letters.takeEnd(item, { id: item.subject, how: item.action === 'redrive' ? 'redriven' : 'discarded' });
        break;
      default:
        this.#say(`tells ${item.kind}, which nobody did`);
    }
  }
}
