import type { CommandAnswer, StoredCommand } from '../store.ts';

/** The commands to the owners of an in-memory database's partitions. */
export class MemoryCommands {
  readonly #now: () => number;
  readonly #kept = new Map<string, { readonly command: StoredCommand; readonly until: number; answer: string | undefined }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Removes those that nobody waits for any more. */
  give(command: StoredCommand, forMs: number): void {
    for (const [id, { until }] of this.#kept) if (until <= this.#now()) this.#kept.delete(id);
    this.#kept.set(command.id, { command, until: this.#now() + forMs, answer: undefined });
  }

  /** The unanswered ones, in id order. */
  get open(): readonly StoredCommand[] {
    const open = Array.from(this.#kept.values()).filter(({ until, answer }) => answer === undefined && until > this.#now());
    return open.map(({ command }) => command).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Only the first answer to a command counts. */
  answer({ id, answer }: CommandAnswer): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined) kept.answer ??= answer;
  }

  answers(ids: readonly string[]): readonly CommandAnswer[] {
    return ids.flatMap((id) => {
      const answer = this.#kept.get(id)?.answer;
      return answer === undefined ? [] : [{ id, answer }];
    });
  }

  withdraw(ids: readonly string[]): readonly CommandAnswer[] {
    const answers = this.answers(ids);
    for (const id of ids) this.#kept.delete(id);
    return answers;
  }
}
