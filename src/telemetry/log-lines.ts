import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Maximum bytes of lines waiting for a reader. */
const waitingBytesMax = 1024 * 1024;
/** First delay before retrying a reader that takes nothing, in milliseconds; doubles each time. */
const retryMsMin = 10;
const retryMsMax = 250;

export interface LogLinesOptions {
  /** Called for each dropped line. */
  readonly dropped: () => void;
  /** Called once lines flow again, with the number dropped since the last call. */
  readonly flowing: (lines: number) => void;
  /** Default 1 MiB. */
  readonly bytesMax?: number;
}

/**
 * Writes log lines to a file descriptor. A line is written before `write` returns, so that the last words of a crash are not lost, and
 * `write` never blocks: if a pipe or a terminal is full because nobody reads, lines wait in memory up to a limit, and the rest are dropped
 * and counted. A line is written whole, or its remainder is followed by a line break.
 */
export class LogLines {
  readonly #fd: number;
  readonly #options: LogLinesOptions;
  readonly #bytesMax: number;
  /** Lines not taken yet; for the first one, its remainder. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** True if part of the first waiting line is written. */
  #isBegun = false;
  /** True if the last line that reached the descriptor lacks its end. */
  #isCut = false;
  /** Dropped lines not reported yet. */
  #untold = 0;
  #retryMs = retryMsMin;

  /** @param fd a file, or a non-blocking descriptor: see {@link ownDescriptor} */
  constructor(fd: number, options: LogLinesOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#bytesMax = options.bytesMax ?? waitingBytesMax;
  }

  write(line: string): void {
    if (this.#waiting.length > 0) {
      this.#keep(Buffer.from(line));
      return;
    }
    const text = this.#isCut ? `\n${line}` : line;
    const taken = this.#take(text);
    if (taken === Buffer.byteLength(text)) this.#flows();
    else if (taken === undefined) this.#drop();
    else this.#wait(Buffer.from(text), taken);
  }

  /** Writes what is waiting, blocking for at most `timeoutMs`: for the end of a process. */
  flush(timeoutMs: number): void {
    const deadline = performance.now() + timeoutMs;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (!this.#drain() && performance.now() < deadline) Atomics.wait(pause, 0, 0, retryMsMin);
  }

  /** Returns the number of bytes the descriptor took; undefined if it takes none for a reason other than being full. */
  #take(text: string | Buffer): number | undefined {
    try {
      return typeof text === 'string' ? writeSync(this.#fd, text) : writeSync(this.#fd, text);
    } catch (error) {
      return isFull(error) ? 0 : undefined;
    }
  }

  #keep(line: Buffer): void {
    if (this.#waitingBytes + line.length > this.#bytesMax) {
      this.#drop();
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
  }

  #wait(line: Buffer, taken: number): void {
    this.#isBegun = taken > 0;
    this.#waiting.push(line.subarray(taken));
    this.#waitingBytes += line.length - taken;
    this.#retryLater();
  }

  #retryLater(): void {
    setTimeout(() => {
      if (!this.#drain()) this.#retryLater();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(retryMsMax, 2 * this.#retryMs);
  }

  /** Returns true once nothing waits any more. */
  #drain(): boolean {
    let end: 'taken' | 'lost' | 'full' | undefined;
    while (this.#waiting.length > 0) {
      end = this.#writeFirst();
      if (end === 'full') return false;
    }
    if (end === 'taken') this.#flows();
    return this.#waiting.length === 0;
  }

  /** Writes the first waiting line, or as much of it as there is room for. */
  #writeFirst(): 'taken' | 'lost' | 'full' {
    const line = this.#waiting[0] as Buffer;
    const text = this.#isCut && !this.#isBegun ? Buffer.concat([Buffer.from('\n'), line]) : line;
    const taken = this.#take(text);
    if (taken === 0) return 'full';
    this.#retryMs = retryMsMin;
    if (taken !== undefined && taken < text.length) {
      this.#waiting[0] = text.subarray(taken);
      this.#waitingBytes += text.length - taken - line.length;
      this.#isBegun = true;
      return 'full';
    }
    this.#waiting.shift();
    this.#waitingBytes -= line.length;
    const isLost = taken === undefined;
    this.#isCut = isLost && (this.#isCut || this.#isBegun);
    this.#isBegun = false;
    if (isLost) this.#drop();
    return isLost ? 'lost' : 'taken';
  }

  #drop(): void {
    this.#untold += 1;
    this.#options.dropped();
  }

  #flows(): void {
    this.#isCut = false;
    if (this.#untold === 0) return;
    const lines = this.#untold;
    this.#untold = 0;
    this.#options.flowing(lines);
  }
}

/**
 * Returns a non-blocking descriptor for the same pipe or terminal, independent of the original, which is shared with other processes, any
 * of which may make it blocking. Other descriptors are returned unchanged: a file takes everything, and a socket is non-blocking once
 * `process.stderr` was created from it.
 */
export function ownDescriptor(fd: number): number {
  if (!fstatSync(fd).isFIFO() && !isatty(fd)) return fd;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // Not Linux, or another user's pipe: it stays non-blocking unless another process changes it.
    return fd;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
