import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, AnswerReader } from './answers.ts';
import type { Made, Step } from './attempt.ts';

/** The result of an attempt. */
export interface Exchange {
  readonly answers: readonly Answer[];
  /** The reason the response is not HTTP. */
  readonly fault: string | undefined;
  /**
   * - `answered`: every requested answer came;
   * - `closed`: the server ended the connection;
   * - `left`: the client ended it, as the attempt says;
   * - `silent`: neither an answer nor an end within the client's patience.
   */
  readonly ended: 'answered' | 'closed' | 'left' | 'silent';
  readonly elapsedMs: number;
}

export interface ExchangeOptions {
  readonly port: number;
  readonly patienceMs: number;
  /** Lets the client leave early. */
  readonly signal: AbortSignal;
}

/** Makes an attempt on its own connection. */
export async function exchange(made: Made, { port, patienceMs, signal }: ExchangeOptions): Promise<Exchange> {
  const startedAt = performance.now();
  const line = new Line(port, made);
  const ended = await line.run(patienceMs, signal);
  const { answers, fault } = line.reader;
  return { answers, fault, ended, elapsedMs: performance.now() - startedAt };
}

/** The connection of one attempt. */
class Line {
  readonly reader: AnswerReader;
  readonly #made: Made;
  readonly #socket: Socket;
  readonly #over = Promise.withResolvers<Exchange['ended']>();
  readonly #firstByte = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();

  constructor(port: number, made: Made) {
    this.#made = made;
    this.reader = new AnswerReader(made.asked.map(({ method }) => method));
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => this.#received(bytes));
    this.#socket.on('end', () => this.#closed());
    // A server may close while the client still writes; its earlier answers count.
    this.#socket.on('error', () => this.#closed());
    this.#socket.on('close', () => {
      this.#closed();
      this.#gone.resolve();
    });
  }

  async run(patienceMs: number, signal: AbortSignal): Promise<Exchange['ended']> {
    const leave = () => this.#over.resolve('left');
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    const patience = setTimeout(() => this.#over.resolve('silent'), patienceMs);
    // Any failure on the way ends the connection, which the socket reports.
    const acted = this.#act(this.#made.steps).then(() => {
      if (this.#made.expects === 'nothing') this.#over.resolve('left');
    });
    const ended = await this.#over.promise;
    clearTimeout(patience);
    signal.removeEventListener('abort', leave);
    if (ended === 'answered' && this.#made.lingerMs !== undefined) await sleep(this.#made.lingerMs);
    this.#socket.destroy();
    this.#firstByte.resolve();
    await acted;
    return ended;
  }

  async #act(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (this.#socket.destroyed) return;
      if ('write' in step) await this.#write(step.write);
      else if ('drip' in step) await this.#drip(step.drip, step.everyMs);
      else if ('pauseMs' in step) await Promise.race([sleep(step.pauseMs), this.#over.promise]);
      else if ('finish' in step) this.#socket.end();
      else await this.#reset(step.reset);
    }
  }

  async #reset(when: 'now' | 'when answered'): Promise<void> {
    if (when === 'when answered') await this.#firstByte.promise;
    this.#socket.resetAndDestroy();
  }

  /** Resolves when the bytes have reached the kernel, or never will. */
  #write(bytes: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.#socket.writable) return Promise.resolve();
    this.#socket.write(bytes, () => resolve());
    return Promise.race([promise, this.#gone.promise]);
  }

  async #drip(bytes: Buffer, everyMs: number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#socket.destroyed; at += 1) {
      await this.#write(bytes.subarray(at, at + 1));
      await sleep(everyMs);
    }
  }

  #received(bytes: Buffer): void {
    this.#firstByte.resolve();
    this.reader.push(bytes);
    const { asked, expects } = this.#made;
    if (expects !== 'nothing' && this.reader.answers.length >= Math.max(1, asked.length)) this.#over.resolve('answered');
    if (this.reader.fault !== undefined) this.#over.resolve('closed');
  }

  #closed(): void {
    this.#firstByte.resolve();
    const { asked, expects } = this.#made;
    const isAnswered = expects !== 'nothing' && this.reader.answers.length >= Math.max(1, asked.length);
    this.#over.resolve(isAnswered ? 'answered' : 'closed');
  }
}
