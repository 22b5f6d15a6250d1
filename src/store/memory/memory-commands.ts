import type { CommandAnswer, StoredCommand } from '../store.ts';

/** What the owners of the partitions of a database in memory are told to do. */
export class MemoryCommands {
  readonly #now: () => number;
  readonly #kept = new Map<string, { readonly command: StoredCommand; readonly until: number; answer: string | undefined }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Clears away those that nobody waits for any more. */
  give(command: StoredCommand, forMs: number): void {
    for (const [id, { until }] of this.#kept) if (until <= this.#now()) this.#kept.delete(id);
    this.#kept.set(command.id, { command, until: this.#now() + forMs, answer: undefined });
  }

  /** Those without an answer, in the order of their ids. */
  get open(): readonly StoredCommand[] {
    const open = Array.from(this.#kept.values()).filter(({ until, answer }) => answer === undefined && until > this.#now());
    return open.map(({ command }) => command).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The first answer to a command counts. */
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
