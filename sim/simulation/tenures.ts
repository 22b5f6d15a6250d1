import type { Appended, NewEvent, PartitionId } from '../../src/store/store.ts';
import type { Life } from './life.ts';

interface Tenure {
  readonly life: Life;
  /** Number of processes that had held the partition by then. */
  readonly term: number;
  isReleased: boolean;
}

/** Records the latest owner of each partition, and counts how leases move between processes. */
export class Tenures {
  readonly #latest = new Map<string, Tenure>();
  readonly #count: (what: string) => void;

  constructor(count: (what: string) => void) {
    this.#count = count;
  }

  claimed(life: Life, partition: PartitionId): void {
    const name = nameOf(partition);
    const last = this.#latest.get(name);
    const isNew = last?.life !== life;
    if (last !== undefined && isNew) this.#count(`leases after one that ${endOf(last)}`);
    const term = (last?.term ?? 0) + (isNew ? 1 : 0);
    this.#latest.set(name, { life, term, isReleased: false });
    life.claimed(partition, term);
  }

  released(life: Life, partition: PartitionId): void {
    const last = this.#latest.get(nameOf(partition));
    if (last?.life === life) last.isReleased = true;
  }

  appended(life: Life, events: readonly NewEvent[], outcomes: readonly Appended[]): void {
    for (const [at, { partition }] of events.entries()) {
      const owner = this.#latest.get(nameOf(partition));
      const isOthers = owner !== undefined && !owner.isReleased && owner.life !== life;
      if (isOthers && outcomes[at]?.status === 'accepted') this.#count('events appended by another than the owner');
    }
  }
}

function endOf({ life, isReleased }: Tenure): string {
  if (isReleased) return 'was released';
  if (!life.isAlive) return 'ran out after a death';
  return life.isAwake ? 'ran out' : 'ran out in a sleep';
}

function nameOf({ pipeline, slice }: PartitionId): string {
  return `${pipeline}/${slice}`;
}
