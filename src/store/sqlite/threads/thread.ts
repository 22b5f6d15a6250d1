import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Transferable, Worker } from 'node:worker_threads';
import { MillraceError, messageOf } from '../../../errors.ts';
import type { StoreLogger } from '../../store.ts';
import { type Answer, fromSentError, type Notice, noticeId, type Request, startId } from './thread-messages.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: MillraceError): void;
}

interface ThreadOptions {
  readonly transferList?: readonly Transferable[];
  readonly log?: StoreLogger | undefined;
}

/** The result of a method, as a promise. */
export type AnswerOf<Methods, Method extends keyof Methods> = Methods[Method] extends (...parameters: never[]) => infer Value
  ? Promise<Value>
  : never;
export type ParametersOf<Methods, Method extends keyof Methods> = Methods[Method] extends (...parameters: infer P) => unknown ? P : never;

/**
 * A worker thread and the requests waiting for it. It runs until it is told to close, which it does after all earlier requests, or until it
 * dies; then every request fails, waiting ones as well as later ones.
 */
export class Thread<Methods> {
  readonly #worker: Worker;
  readonly #log: StoreLogger | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #started: Promise<unknown>;
  readonly #exited: Promise<MillraceError>;
  #lastId = startId;
  /** The reason no request is accepted any more. */
  #ended: MillraceError | undefined;

  /**
   * @param entry the module that the thread runs, in this folder, without its extension: `.ts` in a checkout, `.js` once built
   * @param transferList the parts of `workerData` to transfer to the thread
   * @param log receives the thread's unsolicited messages
   */
  constructor(entry: string, workerData: unknown, { transferList = [], log }: ThreadOptions = {}) {
    this.#log = log;
    const module = new URL(`./${entry}${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    // It needs none of the program's flags, and with some of them, such as --input-type, it would not start.
    this.#worker = new Worker(module, { workerData, transferList: [...transferList], name: `millrace ${entry}`, execArgv: [] });
    this.#started = new Promise((resolve, reject) => this.#waiting.set(startId, { resolve, reject }));
    // A failed start is also reported to every request.
    this.#started.catch(() => undefined);
    this.#worker.on('message', (answers: readonly Answer[]) => this.#settle(answers));
    this.#worker.on('messageerror', (error) => this.#end(error));
    this.#worker.on('error', (error) => this.#end(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => resolve(this.#end(new Error(`exit code ${code}`))));
    });
  }

  /** Resolves once it accepts requests, to the answer to its start; rejects with the start's error. */
  started(): Promise<unknown> {
    return this.#started;
  }

  /** Resolves once it has ended, even if it was told to, with the error for every later request. */
  get exited(): Promise<MillraceError> {
    return this.#exited;
  }

  /** True if requests are in vain. */
  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  call<Method extends keyof Methods & string>(method: Method, ...parameters: ParametersOf<Methods, Method>): AnswerOf<Methods, Method>;
  call(method: string, ...parameters: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw this.#ended;
      this.#lastId += 1;
      this.#worker.postMessage({ id: this.#lastId, method, parameters } satisfies Request);
      this.#waiting.set(this.#lastId, { resolve, reject });
    });
  }

  /** Lets it finish its requests, close everything it has open, and end. */
  async close(): Promise<void> {
    this.#worker.postMessage('close');
    await this.#exited;
  }

  /** Ends it after its current work, which may never finish. */
  abandon(): void {
    this.#worker.unref();
    void this.#worker.terminate();
  }

  #settle(answers: readonly Answer[]): void {
    for (const answer of answers) {
      if (answer.id === noticeId && 'value' in answer) this.#pass(answer.value as Notice);
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('value' in answer) waiting?.resolve(answer.value);
      else waiting?.reject(this.#failure(answer.id, fromSentError(answer.error)));
    }
  }

  #pass({ level, fields, message }: Notice): void {
    this.#log?.[level](fields, message);
  }

  #failure(id: number, error: MillraceError): MillraceError {
    if (id === startId) this.#ended = error;
    return error;
  }

  #end(thrown: unknown): MillraceError {
    this.#ended ??= new MillraceError('MILL_STORE_UNAVAILABLE', `the thread of the database has ended: ${messageOf(thrown)}`, {
      cause: thrown,
    });
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    return this.#ended;
  }
}
