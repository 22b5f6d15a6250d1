import { integerFrom, pick, type Random } from '../../../systems/shared/random.ts';
import type { Named } from '../book.ts';
import { type Load, type LoadMeans, readResults, readStatus, senders } from './load.ts';

const senderCount = 3;
const accountsMax = 15;
const batchMax = 8;
/** The longest callback: longer than the server's downtime, shorter than a group. */
const callbackMsMax = 1_500;

export interface PlannedUpdate {
  readonly id: string;
  readonly version: number;
  readonly accountType: string;
  readonly tokens: number;
  readonly callbackTimeMs: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Returns the name of an update. */
export function nameOfUpdate({ id, version }: Pick<PlannedUpdate, 'id' | 'version'>): string {
  return `${id}#${version}`;
}

/** Sends versions of accounts from several senders at once, some repeated, some older than earlier ones. */
export class AccountsLoad implements Load {
  /** Everything sent, by name. */
  readonly planned = new Map<string, PlannedUpdate>();
  /** The times at which updates were first known to be taken in, by name, in milliseconds since 1970. */
  readonly acknowledged = new Map<string, number>();
  readonly #means: LoadMeans;
  /** The highest version of each account. */
  readonly #versions = new Map<string, number>();

  constructor(means: LoadMeans) {
    this.#means = means;
  }

  async run(): Promise<void> {
    await Promise.all(senders(this.#means, 3, senderCount).map((random) => this.#send(random)));
  }

  async #send(random: Random): Promise<void> {
    const { client, isStopping } = this.#means;
    while (!isStopping()) {
      const updates = Array.from({ length: random() < 0.7 ? 1 : integerFrom(random, 2, batchMax) }, () => this.#next(random));
      const events = updates.map((update) => ({ pipeline: 'accounts', key: update.id, name: nameOfUpdate(update) }));
      const isSingle = updates.length === 1;
      const parcel = { path: '/accounts', body: isSingle ? updates[0] : updates, events, read: isSingle ? readStatus : readResults };
      const answers = await client.send(parcel, random, random() < 0.05 ? 1 : undefined);
      this.#acknowledge(events.filter((_, at) => answers[at] === 'accepted' || answers[at] === 'duplicate'));
      await client.rest(random, 0, 25);
    }
  }

  #acknowledge(events: readonly Named[]): void {
    for (const { name } of events) if (!this.acknowledged.has(name)) this.acknowledged.set(name, Date.now());
  }

  /** Returns a newer version; or a repeated one, or one left out before that comes too late. */
  #next(random: Random): PlannedUpdate {
    const id = `account ${this.#means.group}.${integerFrom(random, 1, accountsMax)}`;
    const highest = this.#versions.get(id) ?? -1;
    const isOld = highest >= 0 && random() < 0.15;
    const version = isOld ? integerFrom(random, 0, highest) : highest + integerFrom(random, 1, 3);
    this.#versions.set(id, Math.max(highest, version));
    const known = this.planned.get(nameOfUpdate({ id, version }));
    if (known !== undefined) return known;
    const accountType = pick(random, ['escrow', 'auction', 'mint']);
    const update = {
      id,
      version,
      accountType,
      tokens: integerFrom(random, 0, 1_000),
      callbackTimeMs: callbackTime(random),
      data: { of: version },
    };
    this.planned.set(nameOfUpdate(update), update);
    return update;
  }
}

function callbackTime(random: Random): number {
  const lot = random();
  if (lot < 0.1) return 0;
  return lot < 0.6 ? integerFrom(random, 1, 80) : integerFrom(random, 80, callbackMsMax);
}
