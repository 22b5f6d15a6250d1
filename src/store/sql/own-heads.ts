import type { Appended, NewEvent, PartitionId } from '../store.ts';

/** Tracks the heads of the logs that this process has extended, by the answers received. */
export class OwnHeads {
  readonly #heads = new Map<string, number>();
  readonly #underWay = new Set<Promise<unknown>>();

  /** Follows the answers to an append; resolves or rejects as the append does. */
  async follow(events: readonly NewEvent[], append: Promise<readonly Appended[]>): Promise<readonly Appended[]> {
    const noted = append.then((answers) => this.#note(events, answers));
    this.#underWay.add(noted);
    try {
      await noted;
    } finally {
      this.#underWay.delete(noted);
    }
    return append;
  }

  /** Resolves once the appends under way are answered. */
  async answered(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  /** Returns the highest position that this process has reached in a partition; 0 if there is none. */
  of(partition: PartitionId): number {
    return this.#heads.get(nameOf(partition)) ?? 0;
  }

  #note(events: readonly NewEvent[], answers: readonly Appended[]): void {
    for (const [at, answer] of answers.entries()) {
      const event = events[at];
      if (answer.status !== 'accepted' || event === undefined) continue;
      if (answer.position > this.of(event.partition)) this.#heads.set(nameOf(event.partition), answer.position);
    }
  }
}

function nameOf({ pipeline, slice }: PartitionId): string {
  return `${slice} ${pipeline}`;
}
