import { describeFound } from '../../describe-found.ts';
import { parkingLetter } from '../../engine/parking-letter.ts';
import { MillraceError } from '../../errors.ts';
import { arrivalsSince, groupAnswerOf } from '../../server/dead-letter-groups.ts';
import { deadLetterAnswerOf } from '../../server/dead-letters.ts';
import { lastHandledOf, momentOf, waitingDeliveryOf } from '../../server/key-answers.ts';
import { type KeyOfFile, KeysOfFile } from '../../store/sqlite/keys-of-file.ts';
import { DeadLetterReader } from '../../store/sqlite/partition/dead-letter-reader.ts';
import { readFile } from '../../store/sqlite/read-file.ts';
import type { KeysQuery } from '../../store/store.ts';
import type { Asked, Desk, ListQuery } from './desk.ts';
import { FileOrders } from './file-orders.ts';
import { letterFilterOf } from './read-letter-filter.ts';
import type { Item, Listing } from './server-calls.ts';

type Standing = 'open' | 'waiting' | 'blocked' | 'parked';

/** The parts of the store that may have keys with each status. Some of their keys may have another status. */
const among: Readonly<Record<Standing, KeysQuery['among']>> = { open: undefined, waiting: 'gaps', blocked: 'retried', parked: 'parked' };

/** Reads a database file, even while a server runs on it, and leaves orders for the next server. */
export class FileDesk implements Desk {
  readonly #file: string;
  readonly #orders: FileOrders;

  /** @param who the operator's name in the audit */
  constructor(file: string, who: string | null) {
    this.#file = file;
    this.#orders = new FileOrders(file, who);
  }

  async keys(pipeline: string, { status, prefix, limit }: ListQuery): Promise<readonly Item[]> {
    const standing = status === undefined ? undefined : standingNamed(String(status));
    return readFile(this.#file, (db) => {
      const keys = new KeysOfFile(db, pipeline);
      const query = { limit, ...(prefix !== undefined && { prefix: String(prefix) }), among: standing && among[standing] };
      const found: KeyOfFile[] = [];
      for (let after: string | undefined; ; ) {
        const page = keys.list({ ...query, after });
        found.push(...page.filter((key) => standing === undefined || standingOf(key) === standing));
        if (page.length < limit || found.length >= limit) return found.slice(0, limit).map(listedKey);
        after = page.at(-1)?.key;
      }
    });
  }

  async key(pipeline: string, key: string): Promise<Item> {
    const found = readFile(this.#file, (db) => new KeysOfFile(db, pipeline).find(key));
    if (found === undefined) throw new MillraceError('MILL_NOT_FOUND', `pipeline ${pipeline}: unknown key ${describeFound(key)}`);
    const standing = standingOf(found);
    const letters = (query: Parameters<DeadLetterReader['read']>[0]) =>
      Promise.resolve(readFile(this.#file, (db) => new DeadLetterReader(db).read(query)));
    const parking = standing === 'parked' ? await parkingLetter(letters, { pipeline, key }) : undefined;
    const { record, heldEvents, deliveries } = found;
    return {
      ...listedKey(found),
      parkedBy: parking === undefined ? null : { deadLetter: parking.id, reason: parking.reason },
      timers: record.timers.map(({ name, dueAt }) => ({ name, dueAt: momentOf(dueAt) })),
      held: heldEvents.map(({ id, number, acceptedAt, attempts, retryAt, body }, at) => ({
        ...{ id, number, acceptedAt: momentOf(acceptedAt), reason: whyHeld(standing, attempts, at), attempts },
        retryAt: retryAt === null ? null : momentOf(retryAt),
        event: JSON.parse(body),
      })),
      deliveries: deliveries.map(waitingDeliveryOf),
      state: record.state === null ? null : JSON.parse(record.state.json),
    };
  }

  async deadLetters({ limit, ...filter }: ListQuery): Promise<readonly Item[]> {
    const query = { ...letterFilterOf(filter), limit };
    return readFile(this.#file, (db) => new DeadLetterReader(db).read(query).map(deadLetterAnswerOf));
  }

  async deadLetter(id: string): Promise<Item> {
    const [letter] = readFile(this.#file, (db) => new DeadLetterReader(db).read({ id, limit: 1 }));
    if (letter === undefined) throw new MillraceError('MILL_NOT_FOUND', `expected the id of a dead letter, found ${id}`);
    return deadLetterAnswerOf(letter);
  }

  async deadLetterGroups({ limit, ...filter }: ListQuery): Promise<Listing> {
    const { pipeline, kind } = letterFilterOf(filter);
    const query = { pipeline, kind, since: arrivalsSince(), limit: limit + 1 };
    const groups = readFile(this.#file, (db) => new DeadLetterReader(db).groups(query).map(groupAnswerOf));
    return { items: groups.slice(0, limit), hasMore: groups.length > limit };
  }

  resolve(verb: 'redrive' | 'discard', asked: Asked): Promise<Item> {
    return this.#orders.resolve(verb, asked);
  }

  setPaused(pipeline: string, act: 'pause' | 'resume', reason: string | undefined): Promise<Item> {
    return this.#orders.setPaused(pipeline, act, reason);
  }
}

function standingNamed(text: string): Standing {
  if (text in among) return text as Standing;
  throw new MillraceError('MILL_INVALID_REQUEST', `--status: expected open, waiting, blocked or parked, found ${describeFound(text)}`);
}

/** Returns the status of a key, as far as a file shows it without its program: a gap is visible once it has lasted a second. */
function standingOf({ parked, isRetried, record: { gap } }: KeyOfFile): Standing {
  if (parked) return 'parked';
  if (gap !== null) return 'waiting';
  return isRetried ? 'blocked' : 'open';
}

function listedKey(key: KeyOfFile): Item {
  return { key: key.key, status: standingOf(key), pending: key.held, next: key.next, lastHandled: lastHandledOf(key) };
}

function whyHeld(standing: Standing, attempts: number, at: number): string {
  if (standing === 'parked') return 'parked';
  if (standing === 'waiting') return 'number';
  if (at > 0) return 'order';
  return attempts > 0 ? 'retry' : 'turn';
}
