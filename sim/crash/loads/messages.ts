import { DatabaseSync } from 'node:sqlite';
import { integerFrom, type Random } from '../../../systems/shared/random.ts';
import { type Load, type LoadMeans, senders, uuidFrom } from './load.ts';

const senderCount = 2;
/** Time limit of an SQL insert that waits for the server's own commits; nothing else happens here meanwhile. */
const busyTimeoutMs = 250;

export interface PlannedRow {
  readonly to: string;
  readonly content: string;
  /** True if it can be sent at all. */
  readonly isValid: boolean;
}

/** Sends messages over HTTP, and inserts rows with SQL, some of which cannot be sent. */
export class MessagesLoad implements Load {
  /** Rows known to exist, by id. */
  readonly rows = new Map<string, PlannedRow>();
  /** The contents of every attempt: the id of an unanswered message is unknown. */
  readonly contents = new Set<string>();
  readonly #means: LoadMeans;
  readonly #database: string;
  readonly #say: (broken: string) => void;
  #count = 0;

  constructor(means: LoadMeans, database: string, say: (broken: string) => void) {
    this.#means = means;
    this.#database = database;
    this.#say = say;
  }

  async run(): Promise<void> {
    await Promise.all(senders(this.#means, 4, senderCount).map((random) => this.#send(random)));
  }

  async #send(random: Random): Promise<void> {
    const { client, isStopping } = this.#means;
    while (!isStopping()) {
      if (random() < 0.3) this.#insert(random);
      else await this.#post(random);
      await client.rest(random, 10, 50);
    }
  }

  /** A repeat could not be recognised, so unanswered messages are not sent again. */
  async #post(random: Random): Promise<void> {
    const { to, content } = this.#next(random);
    const reply = await this.#means.client.post('/messages/pending', { to, content });
    if (reply.kind === 'lost' || reply.status === 503) return this.#means.client.rest(random, 30, 120);
    const id = idOf(reply.body);
    if (reply.status === 201 && id !== undefined) this.rows.set(id, { to, content, isValid: true });
    else this.#say(`/messages/pending answered ${reply.status} ${JSON.stringify(reply.body)} to a valid request`);
  }

  #insert(random: Random): void {
    const next = this.#next(random);
    const row = random() < 0.1 ? { ...next, content: ' ', isValid: false } : next;
    const id = uuidFrom(random);
    if (insertRow(this.#database, id, row)) this.rows.set(id, row);
  }

  #next(random: Random): PlannedRow {
    this.#count += 1;
    const content = `message ${this.#means.group}.${this.#count}`;
    this.contents.add(content);
    return { to: `+90${integerFrom(random, 1_000_000, 9_999_999)}`, content, isValid: true };
  }
}

/** Returns whether the row exists: it does not if the table is missing or somebody else holds the lock. */
function insertRow(database: string, id: string, { to, content }: PlannedRow): boolean {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(database, { timeout: busyTimeoutMs });
    db.prepare(`INSERT INTO messages (id, "to", content, created_at) VALUES (?, ?, ?, datetime('now'))`).run(id, to, content);
    return true;
  } catch (error) {
    if (error instanceof Error && /no such table|is locked|busy/.test(error.message)) return false;
    throw error;
  } finally {
    db?.close();
  }
}

function idOf(body: unknown): string | undefined {
  return typeof body === 'object' && body !== null && 'id' in body && typeof body.id === 'string' ? body.id : undefined;
}
