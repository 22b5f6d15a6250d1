import type { ServerResponse } from 'node:http';
import type { Mill } from '../../engine/mill.ts';
import { MillraceError } from '../../errors.ts';
import type { Figures, Now } from './figures.ts';
import { type Happening, Happenings } from './happenings.ts';

/** Maximum followers. */
const readersMax = 64;
/** A follower with this many unread bytes is too slow, and is dropped: live data cannot wait. */
const unreadBytesMax = 256 * 1024;

interface Reader {
  readonly response: ServerResponse;
  maySee(pipeline: string): boolean;
}

/** Sends current figures once a second to followers: those of every pipeline, and a sample of activity. */
export class LiveFeed {
  readonly #mill: Mill;
  readonly #figures: Figures;
  readonly #readers = new Set<Reader>();
  #happenings: Happenings | undefined;
  #endLooks: (() => void) | undefined;
  #isStopped = false;

  constructor(mill: Mill, figures: Figures) {
    this.#mill = mill;
    this.#figures = figures;
  }

  /** Throws `MILL_READS_FULL` at the maximum number of followers. */
  checkRoom(): void {
    if (this.#isStopped) throw new MillraceError('MILL_STOPPING', 'the server is stopping and accepts no new requests');
    if (this.#readers.size < readersMax) return;
    const message = `GET /live already has ${readersMax} followers, the maximum`;
    throw new MillraceError('MILL_READS_FULL', message, { retryAfterMs: 5_000 });
  }

  /** Sends to a response whose head is written, until its client has gone, is too slow, or the server stops. */
  follow(response: ServerResponse, maySee: (pipeline: string) => boolean): void {
    const reader = { response, maySee };
    this.#readers.add(reader);
    response.once('close', () => this.#left(reader));
    this.#begin();
    send(reader, 'figures', figuresFor(reader, this.#figures.now));
  }

  /** Ends every answer, so that a stop does not wait for them. */
  stop(): void {
    this.#isStopped = true;
    for (const { response } of this.#readers) response.end();
    this.#rest();
  }

  #left(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#rest();
  }

  /** Without followers nobody watches commits. */
  #begin(): void {
    this.#happenings ??= new Happenings(this.#mill);
    this.#endLooks ??= this.#figures.onLook((now) => this.#looked(now));
  }

  #rest(): void {
    this.#happenings?.stop();
    this.#happenings = undefined;
    this.#endLooks?.();
    this.#endLooks = undefined;
  }

  #looked(now: Now): void {
    const { items = [], turns = 0 } = this.#happenings?.take() ?? {};
    for (const reader of this.#readers) {
      if (reader.response.writableLength > unreadBytesMax) {
        reader.response.destroy();
        continue;
      }
      send(reader, 'figures', figuresFor(reader, now));
      const seen = items.filter(({ pipeline }) => reader.maySee(pipeline));
      if (seen.length > 0) send(reader, 'sample', { isSample: true, turns, items: seen.map(shown) });
    }
  }
}

function send({ response }: Reader, event: string, content: object): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(content)}\n\n`);
}

function figuresFor(reader: Reader, { at, pipelines, engine }: Now): object {
  const seen = Object.entries(pipelines).filter(([name]) => reader.maySee(name));
  return { at: new Date(at).toISOString(), pipelines: Object.fromEntries(seen), engine };
}

function shown({ at, ...happening }: Happening): object {
  return { at: new Date(at).toISOString(), ...happening };
}
