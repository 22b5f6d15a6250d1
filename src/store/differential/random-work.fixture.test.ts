import {
  acceptedAt,
  chosen,
  delivery,
  deliveryLetter,
  event,
  gap,
  letter,
  numbered,
  originLetter,
  outcomeLetter,
  timerLetter,
} from '../contract/fixtures.ts';
import type {
  Commit,
  DeadLetter,
  DeadLetterQuery,
  GapWrite,
  Hold,
  KeyRecord,
  KeyUpdate,
  Lease,
  LoggedEvent,
  NewDeadLetter,
  NewEvent,
  PartitionId,
  Release,
} from '../store.ts';
import type { Chance } from './chance.fixture.test.ts';
import { keys, origins, randomDelivery, randomOutcome, randomRow, randomTimer } from './random-parts.fixture.test.ts';

/** A partition, and its owner's knowledge of it. */
export interface Place {
  readonly partition: PartitionId;
  readonly numbered: boolean;
  lease: Lease | undefined;
  /** The previous lease, which is over. */
  former: Lease | undefined;
  cursor: number;
  head: number;
  /** Earlier ids were left to `prune`. */
  idsBefore: number;
}

/** Possible subjects of a commit. */
interface Contents {
  readonly log: readonly LoggedEvent[];
  readonly letters: readonly DeadLetter[];
  /** The records of `keys`, in the same order. */
  readonly records: readonly KeyRecord[];
}

interface Turn {
  readonly keys: readonly KeyUpdate[];
  readonly releases: readonly Release[];
  readonly gaps: readonly NewDeadLetter[];
}

/**
 * Random events, and random work of turns for one commit, as an engine could decide it. Events are accepted in the order of their moments:
 * a store may rely on that when it prunes.
 */
export class RandomWork {
  moment = acceptedAt;
  readonly #chance: Chance;
  readonly #places: readonly Place[];
  #letters = 0;

  constructor(chance: Chance, places: readonly Place[]) {
    this.#chance = chance;
    this.#places = places;
  }

  events(): NewEvent[] {
    return Array.from({ length: this.#chance.upTo(4) }, () => this.#event(this.#chance.one(this.#places)));
  }

  letterQuery({ pipeline }: PartitionId): DeadLetterQuery {
    const after = this.#chance.maybe(() => this.#letterId(this.#chance.upTo(this.#letters + 1)));
    const id = this.#chance.upTo(4) === 1 ? this.#letterId(this.#chance.upTo(this.#letters + 1)) : undefined;
    return {
      pipeline: this.#chance.maybe(() => pipeline),
      key: this.#chance.maybe(() => this.#chance.one(keys)),
      id,
      after,
      limit: this.#chance.upTo(3),
    };
  }

  work(place: Place, { log, letters, records }: Contents): Partial<Commit> {
    const cursor = Math.min(place.head, place.cursor + this.#chance.upTo(4) - 1);
    const settled = log.filter(({ position }) => position <= cursor);
    const turns = place.numbered ? records.map((record, at) => this.#numberedTurn(keys[at] ?? '', record)) : [this.#turn(place)];
    return {
      cursor,
      holds: this.#chance.some(settled, (logged) => this.#hold(logged)),
      keys: turns.flatMap((turn) => turn.keys),
      releases: turns.flatMap((turn) => turn.releases),
      gaps: this.#chance.many(() => this.#gap()),
      timers: this.#chance.many(() => randomTimer(this.#chance)),
      outcomes: this.#chance.many(() => randomOutcome(this.#chance)),
      deliveries: this.#chance.many(() => randomDelivery(this.#chance)),
      rows: this.#chance.many(() => randomRow(this.#chance)),
      deadLetters: [
        ...turns.flatMap((turn) => turn.gaps),
        ...this.#chance.some(settled, (logged) => this.#letterOf(logged)),
        ...this.#chance.many(() => this.#letter()),
      ],
      // The owner of a partition resolves its own letters; the port leaves the result open for anyone else's.
      resolvedDeadLetters: [...this.#chance.some(letters, ({ id }) => id), ...this.#chance.many(() => 'unknown')],
      sends: this.#chance.many(() => this.#event(this.#chance.one(this.#places))),
    };
  }

  #event(place: Place): NewEvent {
    const { partition, head, idsBefore } = place;
    this.moment += this.#chance.upTo(3) - 1;
    const key = this.#chance.one(keys);
    const more = {
      acceptedAt: this.moment,
      body: JSON.stringify(`body ${this.#chance.upTo(100)}`),
      traceparent: this.#chance.one([null, '00-1-2-03']),
      origin: this.#chance.one([null, ...origins]),
    };
    // There are more numbers than events, so many are skipped and some of those arrive late.
    if (place.numbered) return numbered(partition, key, this.#chance.upTo(6 + 2 * head), more);
    if (this.#chance.upTo(3) === 1) return event(partition, key, more);
    // No engine asks about ids that it has left to `prune`: a store may or may not have forgotten them.
    const knownSince = Math.max(idsBefore, this.moment - this.#chance.upTo(20));
    return chosen(partition, key, `id ${this.#chance.upTo(12)}`, { ...more, knownSince });
  }

  /** Any logged event may be held again: a number that is in the log was not skipped. */
  #hold({ key, number, position }: LoggedEvent): Hold {
    return {
      key,
      order: number ?? position,
      position,
      attempts: this.#chance.upTo(3) - 1,
      retryAt: this.#chance.maybe(() => this.#chance.upTo(40)) ?? null,
    };
  }

  #turn({ head }: Place): Turn {
    const release = (): Release => {
      const from = this.#chance.upTo(head + 1);
      return { key: this.#chance.one(keys), from, to: from + this.#chance.upTo(4) - 1 };
    };
    return { keys: this.#chance.many(() => this.#update(this.#chance.one(keys), null)), releases: this.#chance.many(release), gaps: [] };
  }

  /** Releases held events below the next number, applies the next number, or skips the missing numbers before the lowest held one. */
  #numberedTurn(key: string, { next, heldFrom }: KeyRecord): Turn {
    const expected = next ?? 1;
    if (heldFrom === null || this.#chance.upTo(4) === 1) return { keys: [this.#update(key, next)], releases: [], gaps: [] };
    if (heldFrom > expected) {
      const skipped = gap(this.#nextLetterId(), key, expected, heldFrom - 1);
      return { keys: [this.#update(key, heldFrom)], releases: [], gaps: [skipped] };
    }
    const releases = [{ key, from: heldFrom, to: heldFrom }];
    return { keys: [this.#update(key, heldFrom === expected ? expected + 1 : expected)], releases, gaps: [] };
  }

  #update(key: string, next: number | null): KeyUpdate {
    const state = this.#chance.maybe(() => ({ json: JSON.stringify(this.#chance.upTo(100)), version: this.#chance.upTo(3) })) ?? null;
    return { key, state, next, parked: this.#chance.upTo(3) === 1 };
  }

  #gap(): GapWrite {
    const next = this.#chance.upTo(9);
    const gap = { next, first: next + this.#chance.upTo(9), since: this.#chance.upTo(40) };
    return { key: this.#chance.one(keys), gap: this.#chance.maybe(() => gap) ?? null };
  }

  #letterOf({ key, position, number }: LoggedEvent): NewDeadLetter {
    const failed = { event: { position, order: number ?? position }, parked: this.#chance.upTo(2) === 1, failedAt: this.moment };
    return letter(this.#nextLetterId(), key, position, { ...failed, attempts: this.#chance.upTo(3) });
  }

  #letter(): NewDeadLetter {
    const key = this.#chance.one(keys);
    const timer = { name: 'wake', dueAt: this.#chance.upTo(40), data: this.#chance.one([null, '1']) };
    const id = this.#nextLetterId();
    const failed = this.#chance.one([
      timerLetter(id, key, timer),
      outcomeLetter(id, key, { endpoint: 'mail', id: 'é', dueAt: this.#chance.upTo(40), data: '1' }),
      deliveryLetter(id, delivery(`call ${this.#chance.upTo(4)}`, key, { body: '"é"' })),
      originLetter(id, key, this.#chance.one(origins)),
    ]);
    return { ...failed, stack: this.#chance.one([null, 'Error: it failed']) };
  }

  /** Each id sorts after the previous one. */
  #nextLetterId(): string {
    this.#letters += 1;
    return this.#letterId(this.#letters);
  }

  #letterId(number: number): string {
    return `letter ${String(number).padStart(6, '0')}`;
  }
}
