import {
  acceptedAt,
  add,
  arm,
  chosen,
  delivery,
  disarm,
  event,
  gap,
  letter,
  numbered,
  put,
  update,
  type Work,
} from '../contract/fixtures.ts';
import type {
  DeadLetter,
  DeadLetterQuery,
  DeliveryWrite,
  Hold,
  KeyRecord,
  KeyUpdate,
  LoggedEvent,
  NewDeadLetter,
  NewEvent,
  PartitionId,
  Release,
  RowWrite,
  TimerWrite,
} from '../store.ts';

export const keys = ['a', 'B', 'é'] as const;
/** One in order, one not: it is the same for all deliveries of an endpoint. */
export const endpoints = ['mail', 'sms'] as const;

/** A partition and what its owner knows of it. */
export interface Place {
  readonly partition: PartitionId;
  readonly numbered: boolean;
  epoch: number;
  cursor: number;
  head: number;
  /** Ids from before were given up to `prune`. */
  idsBefore: number;
}

/** What a commit can be about. */
export interface Contents {
  readonly log: readonly LoggedEvent[];
  readonly letters: readonly DeadLetter[];
  /** Of {@link keys}, in their order. */
  readonly records: readonly KeyRecord[];
}

interface Turn {
  readonly keys: readonly KeyUpdate[];
  readonly releases: readonly Release[];
  readonly gaps: readonly NewDeadLetter[];
}

/** Random events, and work of turns that may stand in one commit. Time never goes back. */
export class RandomWork {
  moment = acceptedAt;
  readonly #upTo: (sides: number) => number;
  readonly #places: readonly Place[];
  #letters = 0;

  constructor(upTo: (sides: number) => number, places: readonly Place[]) {
    this.#upTo = upTo;
    this.#places = places;
  }

  one<Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item {
    const item = items[this.#upTo(items.length) - 1];
    if (item === undefined) throw new Error('expected something to choose from, found nothing');
    return item;
  }

  events(): NewEvent[] {
    return Array.from({ length: this.#upTo(4) }, () => this.#event(this.one(this.#places)));
  }

  letterQuery({ pipeline }: PartitionId): DeadLetterQuery {
    const after = this.#maybe(() => this.#letterId(this.#upTo(this.#letters + 1)));
    const id = this.#upTo(4) === 1 ? this.#letterId(this.#upTo(this.#letters + 1)) : undefined;
    return { pipeline: this.#maybe(() => pipeline), key: this.#maybe(() => this.one(keys)), id, after, limit: this.#upTo(3) };
  }

  work(place: Place, { log, letters, records }: Contents): Work {
    const cursor = Math.min(place.head, place.cursor + this.#upTo(4) - 1);
    const settled = log.filter(({ position }) => position <= cursor);
    const turns = place.numbered ? records.map((record, at) => this.#numberedTurn(keys[at] ?? '', record)) : [this.#turn(place)];
    return {
      cursor,
      holds: this.#some(settled, (logged) => this.#hold(logged)),
      keys: turns.flatMap((turn) => turn.keys),
      releases: turns.flatMap((turn) => turn.releases),
      timers: this.#many(() => this.#timer()),
      deliveries: this.#many(() => this.#delivery()),
      rows: this.#many(() => this.#row()),
      deadLetters: [
        ...turns.flatMap((turn) => turn.gaps),
        ...this.#some(settled, (logged) => this.#letterOf(logged)),
        ...this.#many(() => this.#letter()),
      ],
      // The owner of a partition resolves its own letters; the port does not say what comes of another's.
      resolvedDeadLetters: [...this.#some(letters, ({ id }) => id), ...this.#many(() => 'unknown')],
      sends: this.#many(() => this.#event(this.one(this.#places))),
    };
  }

  #event(place: Place): NewEvent {
    const { partition, head, idsBefore } = place;
    this.moment += this.#upTo(3) - 1;
    const key = this.one(keys);
    const more = { acceptedAt: this.moment, body: JSON.stringify(`body ${this.#upTo(100)}`), traceparent: this.one([null, '00-1-2-03']) };
    // More numbers than events, so that many are skipped and some of these are late.
    if (place.numbered) return numbered(partition, key, this.#upTo(6 + 2 * head), more);
    if (this.#upTo(3) === 1) return event(partition, key, more);
    const knownSince = Math.max(idsBefore, this.moment - this.#upTo(20));
    return chosen(partition, key, `id ${this.#upTo(12)}`, { ...more, knownSince });
  }

  /** Any logged event may be held again: a number that is in the log was not skipped. */
  #hold({ key, number, position }: LoggedEvent): Hold {
    return { key, order: number ?? position, position, attempts: this.#upTo(3) - 1, retryAt: this.#maybe(() => this.#upTo(40)) ?? null };
  }

  #turn({ head }: Place): Turn {
    const release = (): Release => {
      const from = this.#upTo(head + 1);
      return { key: this.one(keys), from, to: from + this.#upTo(4) - 1 };
    };
    return { keys: this.#many(() => this.#update(this.one(keys), null)), releases: this.#many(release), gaps: [] };
  }

  /** Lets go of what is held below the next number, applies that, or skips what is missing before the lowest that is held. */
  #numberedTurn(key: string, { next, heldFrom }: KeyRecord): Turn {
    const expected = next ?? 1;
    if (heldFrom === null || this.#upTo(4) === 1) return { keys: [this.#update(key, next)], releases: [], gaps: [] };
    if (heldFrom > expected) {
      const skipped = gap(this.#nextLetterId(), key, expected, heldFrom - 1);
      return { keys: [this.#update(key, heldFrom)], releases: [], gaps: [skipped] };
    }
    const releases = [{ key, from: heldFrom, to: heldFrom }];
    return { keys: [this.#update(key, heldFrom === expected ? expected + 1 : expected)], releases, gaps: [] };
  }

  #update(key: string, next: number | null): KeyUpdate {
    const state = this.#maybe(() => ({ json: JSON.stringify(this.#upTo(100)), version: this.#upTo(3) })) ?? null;
    return { key, state, next, parked: this.#upTo(3) === 1 };
  }

  #timer(): TimerWrite {
    const [key, name] = [this.one(keys), this.one(['wake', 'Wake', 'é'])];
    if (this.#upTo(3) === 1) return disarm(key, name);
    const { timer } = arm(key, name, this.#upTo(40), this.one([null, '1']));
    return { key, name, timer: timer && { ...timer, attempts: this.#upTo(3) - 1, retryAt: this.one([null, this.#upTo(40)]) } };
  }

  #delivery(): DeliveryWrite {
    const [endpoint, key, id] = [this.one(endpoints), this.one(keys), `call ${this.#upTo(4)}`];
    const facts = { attempts: this.#upTo(3) - 1, dueAt: this.one([null, this.#upTo(40), this.#upTo(40)]) };
    const write = this.one(['ask', 'ask', 'restore', 'retry', 'remove'] as const);
    if (write === 'remove') return { write, endpoint, key, id };
    if (write === 'retry') return { write, endpoint, key, id, ...facts };
    const body = JSON.stringify(this.#upTo(100));
    const more = { endpoint, ordered: endpoint === 'mail', body, url: this.one([null, 'https://example.com/']), askedAt: this.#upTo(40) };
    return { write, delivery: delivery(id, key, { ...more, ...facts }) };
  }

  #row(): RowWrite {
    const id = this.one(keys);
    const number = this.#upTo(4);
    const account = [id, number, this.one([null, number / 2]), this.one([null, 0, 1]), this.one([null, '{}'])];
    const seat = [id, number, this.one(['free', 'taken'])];
    return this.one([
      put('accounts', account),
      add('accounts', account),
      update('accounts', ['balance', 'id'], [number, id]),
      add('history', [`what ${number}`], [`what ${number}`]),
      put('seats', seat),
      add('seats', seat),
      update('seats', ['number', 'state', 'group'], [number, 'sold', id]),
    ]);
  }

  #letterOf({ key, position, number }: LoggedEvent): NewDeadLetter {
    const failed = { event: { position, order: number ?? position }, parked: this.#upTo(2) === 1, failedAt: this.moment };
    return letter(this.#nextLetterId(), key, position, { ...failed, attempts: this.#upTo(3) });
  }

  #letter(): NewDeadLetter {
    const key = this.one(keys);
    const timer = { name: 'wake', dueAt: this.#upTo(40), data: this.one([null, '1']) };
    const { key: _, attempts: _attempts, dueAt: _dueAt, ...call } = delivery(`call ${this.#upTo(4)}`, key, { body: '"é"' });
    const failed = this.one([
      { timer, delivery: null },
      { timer: null, delivery: call },
    ]);
    return letter(this.#nextLetterId(), key, 0, { event: null, ...failed });
  }

  /** Each follows the one before it in id order. */
  #nextLetterId(): string {
    this.#letters += 1;
    return this.#letterId(this.#letters);
  }

  #letterId(number: number): string {
    return `letter ${String(number).padStart(6, '0')}`;
  }

  #maybe<Item>(make: () => Item): Item | undefined {
    return this.#upTo(2) === 1 ? make() : undefined;
  }

  /** None to two. */
  #many<Item>(make: () => Item): Item[] {
    return Array.from({ length: this.#upTo(3) - 1 }, make);
  }

  /** One of the items in every second call, none in the others. */
  #some<Item, Made>(items: readonly Item[], make: (item: Item) => Made): Made[] {
    return items.length > 0 && this.#upTo(2) === 1 ? [make(this.one(items))] : [];
  }
}
