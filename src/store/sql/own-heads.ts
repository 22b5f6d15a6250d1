import type { Appended, NewEvent, PartitionId } from '../store.ts';

/** How far this process itself has brought logs, as far as it has the answers. */
export class OwnHeads {
  readonly #heads = new Map<string, number>();
  readonly #underWay = new Set<Promise<unknown>>();

  /** Takes note of what an append is answered with; resolves or rejects as that does. */
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

  /** The highest position of a partition that this process has brought there; 0 where there is none. */
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
