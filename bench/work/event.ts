/** One event of the work of all peers: about 300 bytes as JSON. */
export interface WorkEvent {
  readonly key: string;
  /** The event's number in its run, from 0. */
  readonly n: number;
  /** Its number within its key, from 1. */
  readonly seq: number;
  readonly amount: number;
  readonly at: string;
  readonly note: string;
}

export interface StreamOptions {
  readonly seed: number;
  /** Total number of keys. */
  readonly keys: number;
  /** The index of this stream's sender, from 0. Each has its own keys, so that the order within a key is that of one sender. */
  readonly sender: number;
  readonly senders: number;
}

const recentKeys = 16;
const noteLength = 170;
const text =
  'the water runs down the race and turns the wheel, the wheel turns the stone, the stone grinds what was brought, in the order in which it came, and none of it is spilled on the way; ';

/**
 * The events of one sender, determined by the seed. Every second event belongs to a recently used key, the others to any: so events of one
 * key are close together, as in practice, and a few events suffice to test the order.
 */
export class EventStream {
  readonly #options: StreamOptions;
  readonly #random: () => number;
  readonly #sequences = new Map<number, number>();
  readonly #recent: number[] = [];
  #produced = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#random = dice(options.seed * options.senders + options.sender + 1);
  }

  /** Number of events made so far. */
  get produced(): number {
    return this.#produced;
  }

  next(): WorkEvent {
    const { sender, senders } = this.#options;
    const index = this.#nextKey();
    const seq = (this.#sequences.get(index) ?? 0) + 1;
    this.#sequences.set(index, seq);
    const n = numberOf(this.#produced, sender, senders);
    this.#produced += 1;
    return {
      key: `account-${String(index).padStart(8, '0')}`,
      n,
      seq,
      amount: Math.floor(this.#random() * 10_000),
      at: new Date(1_770_000_000_000 + n).toISOString(),
      note: `${text}${text}`.slice(n % text.length).slice(0, noteLength),
    };
  }

  take(count: number): WorkEvent[] {
    return Array.from({ length: count }, () => this.next());
  }

  #nextKey(): number {
    const { keys, sender, senders } = this.#options;
    const own = Math.max(1, Math.floor(keys / senders));
    const again = this.#recent[Math.floor(this.#random() * recentKeys)];
    const index = again !== undefined && this.#random() < 0.5 ? again : Math.floor(this.#random() * own) * senders + sender;
    this.#recent[this.#produced % recentKeys] = index;
    return index;
  }
}

/** Returns the numbers of all events of several senders, given the number made by each. */
export function* numbersOf(produced: readonly number[]): Generator<number> {
  for (const [sender, count] of produced.entries()) for (let nth = 0; nth < count; nth += 1) yield numberOf(nth, sender, produced.length);
}

function numberOf(nth: number, sender: number, senders: number): number {
  return nth * senders + sender;
}

/** Numbers in [0, 1) that look random; a linear congruence is random enough to choose keys by. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let skipped = 0; skipped < 8; skipped += 1) next();
  return next;
}
