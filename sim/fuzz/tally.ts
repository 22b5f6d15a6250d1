import type { Attempt } from './attempt.ts';
import type { Exchange } from './exchange.ts';

/** The attempts and their outcomes. */
export class Tally {
  readonly byKind = new Map<string, number>();
  readonly byRoute = new Map<string, number>();
  /** By status, and by the end of those without an answer. */
  readonly byOutcome = new Map<string, number>();
  attempts = 0;
  requests = 0;

  note({ kind, route, asked }: Attempt, { answers, ended }: Exchange): void {
    this.attempts += 1;
    this.requests += Math.max(1, asked.length);
    add(this.byKind, kind);
    add(this.byRoute, route);
    for (const { status } of answers) add(this.byOutcome, String(status));
    if (answers.length === 0) add(this.byOutcome, `no answer, ${ended === 'left' ? 'the client left' : ended}`);
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
