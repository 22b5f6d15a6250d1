import { setImmediate } from 'node:timers/promises';
import type { Chance } from '../../src/store/differential/chance.fixture.test.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

/** Something that may happen next. */
interface Task {
  readonly label: string;
  readonly run: () => void | Promise<void>;
}

/**
 * Decides what happens next: one thing at a time, chosen by the dice, after which the engine continues as far as it can by itself.
 * A program therefore takes the same course each time, however busy the machine is, and a different course under another seed.
 */
export class Scheduler {
  readonly clock: VirtualClock;
  readonly #chance: Chance;
  readonly #tasks: Task[] = [];
  /** The chance, in percent, that the clock moves while something else might happen. */
  readonly #haste: number;
  readonly #note: (what: string) => void;

  constructor({ chance, haste, note }: { readonly chance: Chance; readonly haste: number; readonly note: (what: string) => void }) {
    this.clock = new VirtualClock(Date.UTC(2026, 0, 1));
    this.#chance = chance;
    this.#haste = haste;
    this.#note = note;
  }

  /** Happens at some point; nothing else does until its result resolves. */
  add(label: string, run: () => void | Promise<void>): void {
    this.#tasks.push({ label, run });
  }

  /** Lets one thing happen; returns false if there is none. */
  async go(): Promise<boolean> {
    // The engine continues by itself: the work just triggered, and the work which that triggers at the end of its turn of the event loop.
    await setImmediate();
    await setImmediate();
    if (this.#tasks.length === 0) return false;
    if (this.#chance.upTo(100) <= this.#haste) {
      this.clock.turnToNextAlarm(this.clock.now() + this.#chance.upTo(500));
      this.#note(`the clock stands at ${this.clock.now()}`);
      return true;
    }
    const at = this.#chance.upTo(this.#tasks.length) - 1;
    const [task] = this.#tasks.splice(at, 1);
    if (task === undefined) return false;
    this.#note(task.label);
    await task.run();
    return true;
  }

  /** Sets the clock ahead or back without any time passing. */
  setClock(byMs: number): void {
    this.clock.jump(byMs);
    this.#note(`the clock is set to ${this.clock.now()}`);
  }

  /** Advances the clock to its next alarm, if that is not later than `until`; otherwise to `until`, and returns false. */
  turn(until: number): boolean {
    const isAlarm = this.clock.turnToNextAlarm(until);
    this.#note(`the clock stands at ${this.clock.now()}`);
    return isAlarm;
  }
}
