import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { MillraceError } from '../errors.ts';

type Done = (error: Error | null, body?: Buffer) => void;

/** A body younger than this counts as making progress, in milliseconds. */
const promptMs = 5_000;

/** A partly received body. */
interface Arrival {
  readonly chunks: Buffer[];
  bytes: number;
  readonly since: number;
  readonly refuse: () => void;
}

/**
 * Reads request bodies, with a limit on the total bytes of unfinished ones: slow or stalled clients take up no more. Beyond it the oldest
 * is refused if it has taken long, otherwise the one that adds more. A body that arrives in one piece takes up nothing.
 */
export class Bodies {
  readonly #bytesMax: number;
  #bytes = 0;
  /** The oldest first. */
  readonly #arrivals = new Set<Arrival>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The bytes of all unfinished bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Reads a body. Calls back once: with the body, or with an error: `MILL_MEMORY_FULL`, or one with the `statusCode` 413 or 400. The rest
   * of a refused body is read and dropped. Does not call back if the client goes away.
   *
   * @param payload the request, or a user hook's version of its body
   * @param lengthMax maximum bytes of this body
   */
  read(payload: Readable & Partial<Pick<IncomingMessage, 'headers'>>, lengthMax: number, done: Done): void {
    const { 'content-length': declared, 'transfer-encoding': encoding } = payload.headers ?? {};
    const length = declared === undefined || encoding !== undefined ? undefined : Number(declared);
    if (length !== undefined && length > lengthMax) {
      done(withStatus(413, 'the body is too large'));
      return;
    }
    let whole: Buffer | undefined;
    let arrival: Arrival | undefined;
    let isOver = false;
    const end = (error: Error | null, body?: Buffer) => {
      if (isOver) return;
      isOver = true;
      if (arrival !== undefined) this.#release(arrival);
      done(error, body);
    };
    payload.on('data', (piece: Buffer | string) => {
      if (isOver) return;
      const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
      if (arrival === undefined && chunk.length === length) {
        whole = chunk;
        return;
      }
      arrival ??= this.#begin(payload, () => end(memoryFull()));
      if (arrival.bytes + chunk.length > lengthMax) {
        end(withStatus(413, 'the body is too large'));
        return;
      }
      this.#add(arrival, chunk);
    });
    if (payload.headers === undefined) payload.on('error', (error) => end(Object.assign(error, { statusCode: 400 })));
    payload.on('end', () => {
      const received = whole ?? Buffer.concat(arrival?.chunks ?? []);
      if (length !== undefined && received.length !== length)
        end(withStatus(400, 'the body does not have the length that Content-Length gives'));
      else end(null, received);
    });
  }

  #begin(payload: Readable, refuse: () => void): Arrival {
    const arrival: Arrival = { chunks: [], bytes: 0, since: performance.now(), refuse };
    this.#arrivals.add(arrival);
    // Also if the client goes away before the end.
    payload.on('close', () => this.#release(arrival));
    return arrival;
  }

  #add(arrival: Arrival, chunk: Buffer): void {
    arrival.chunks.push(chunk);
    arrival.bytes += chunk.length;
    this.#bytes += chunk.length;
    while (this.#bytes > this.#bytesMax && this.#arrivals.size > 0) {
      const [oldest = arrival] = this.#arrivals;
      const refused = performance.now() - oldest.since > promptMs ? oldest : arrival;
      refused.refuse();
      if (refused === arrival) return;
    }
  }

  #release(arrival: Arrival): void {
    if (!this.#arrivals.delete(arrival)) return;
    this.#bytes -= arrival.bytes;
    arrival.chunks.length = 0;
  }
}

function memoryFull(): MillraceError {
  return new MillraceError('MILL_MEMORY_FULL', 'the memory for incoming bodies is full; try again later', {
    retryAfterMs: 1_000,
  });
}

function withStatus(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
