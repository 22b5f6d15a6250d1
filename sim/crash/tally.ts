import type { Book } from './book.ts';
import type { Repeats } from './checks/calls.ts';
import type { KillMoment } from './until-kill.ts';

const systems = ['rockets', 'events', 'accounts', 'messages', 'workers'] as const;

/** The totals over all rounds. */
export class Tally {
  readonly kills: Record<KillMoment, number> = { start: 0, load: 0, shutdown: 0 };
  rounds = 0;
  /** Stops that were not cut short. */
  stops = 0;
  /** `owed`: still to be made, since some kills leave nothing to cut. `lost`: acknowledged events that were cut off. */
  readonly cuts = { owed: 0, made: 0, lost: 0 };
  readonly timers = { fired: 0, cancelled: 0 };
  readonly #answers = new Map<string, { accepted: number; duplicates: number; unknown: number }>();
  readonly #calls = { sms: 0, explosions: 0, repeated: 0, beforeDeathMsMax: 0 };

  get killed(): number {
    return this.kills.start + this.kills.load + this.kills.shutdown;
  }

  /** Adds the results of a group of rounds. */
  add(book: Book, repeats: Repeats, rows: number): void {
    for (const system of systems) {
      const sum = this.#answers.get(system) ?? { accepted: 0, duplicates: 0, unknown: 0 };
      sum.accepted += system === 'messages' ? rows : book.count(system, 'accepted');
      sum.duplicates += book.count(system, 'duplicate');
      sum.unknown += book.count(system, 'unknown');
      this.#answers.set(system, sum);
    }
    for (const { endpoint } of book.calls) this.#calls[endpoint] += 1;
    this.#calls.repeated += repeats.count;
    this.#calls.beforeDeathMsMax = Math.max(this.#calls.beforeDeathMsMax, repeats.beforeDeathMsMax);
  }

  /** Returns the final table. */
  lines(): readonly string[] {
    const { start, load, shutdown } = this.kills;
    const { sms, explosions, repeated, beforeDeathMsMax } = this.#calls;
    const answers = systems.map((system) => {
      const { accepted = 0, duplicates = 0, unknown = 0 } = this.#answers.get(system) ?? {};
      return row(system, `${accepted} accepted, ${duplicates} duplicates, ${unknown} tries without an answer`);
    });
    return [
      row('rounds', String(this.rounds)),
      row(
        'kills',
        `${this.killed}: ${start} during the start, ${load} under load, ${shutdown} during a stop; ${this.stops} stops were not interrupted`,
      ),
      ...answers,
      row('calls', `${sms} for messages, ${explosions} for explosions`),
      row('repeated calls', `${repeated}, all in flight at a kill (answered at most ${Math.ceil(beforeDeathMsMax)} ms before it)`),
      row('timers', `${this.timers.fired} fired, ${this.timers.cancelled} cancelled`),
      row('power cuts', `${this.cuts.made}, ${this.cuts.lost} acknowledged events cut off and sent again`),
    ];
  }
}

function row(name: string, text: string): string {
  return `${name.padEnd(16)}${text}`;
}
