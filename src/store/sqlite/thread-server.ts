import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { MillraceError, messageOf } from '../../errors.ts';
import type { Outcome } from './group-commit.ts';
import { type Answer, type Call, type Request, startId, toSentError } from './thread-messages.ts';

/** What a thread does with its calls. */
export interface Served {
  /** Does the calls and tells the outcome of each. What it throws ends the thread. */
  run(calls: readonly Call[], tell: (call: Call, outcome: Outcome) => void): void;
  close(): void;
}

export interface ServeOptions {
  /** Gets ready. What it throws is what every call fails with. */
  start(): Served;
  /** How much work a call is. */
  weigh(call: Call): number;
  /** A group takes no further call once it weighs so much. */
  readonly groupWeight: number;
}

/**
 * The inner end of a `Thread`: takes the calls that wait at the port as one group, answers the group in one message, and
 * ends when it is told to close.
 */
export function serve(port: MessagePort, options: ServeOptions): void {
  const served = startServed(port, options);
  if (served === undefined) return;
  const waiting = new WaitingCalls(port, options);
  port.on('message', (first: Request) => {
    waiting.take(first);
    for (let group = waiting.next(); group.length > 0; group = waiting.next()) post(port, answersOf(served, group));
    if (!waiting.isClosing) return;
    served.close();
    port.close();
  });
}

/** The calls that wait: those of the messages that were taken, then those of the messages at the port. */
class WaitingCalls {
  /** Told to close: what waits is all there will be. */
  isClosing = false;
  readonly #port: MessagePort;
  readonly #options: ServeOptions;
  #taken: Call[] = [];

  constructor(port: MessagePort, options: ServeOptions) {
    this.#port = port;
    this.#options = options;
  }

  take(request: Request): void {
    if (request === 'close') this.isClosing = true;
    else this.#taken = [...request];
  }

  /** The next group; empty when nothing waits. */
  next(): readonly Call[] {
    const group: Call[] = [];
    let weight = 0;
    while (weight < this.#options.groupWeight) {
      const call = this.#taken.shift() ?? this.#receive();
      if (call === undefined) break;
      group.push(call);
      weight += this.#options.weigh(call);
    }
    return group;
  }

  /** The first call of the next message at the port. */
  #receive(): Call | undefined {
    if (this.isClosing) return undefined;
    const received: { readonly message: Request } | undefined = receiveMessageOnPort(this.#port);
    if (received === undefined) return undefined;
    this.take(received.message);
    return this.#taken.shift();
  }
}

/** Does a call of a `Thread<Calls>`, whose type says that there is such a method with such parameters. */
export function perform<Calls>(target: Calls, { method, parameters }: Call): unknown {
  const answering = target[method as keyof Calls] as (...parameters: readonly unknown[]) => unknown;
  return answering.apply(target, [...parameters]);
}

function startServed(port: MessagePort, { start }: ServeOptions): Served | undefined {
  try {
    const served = start();
    post(port, [{ id: startId, value: undefined }]);
    return served;
  } catch (error) {
    const startError = error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
    post(port, [{ id: startId, error: toSentError(startError) }]);
    return undefined;
  }
}

function answersOf(served: Served, calls: readonly Call[]): readonly Answer[] {
  const answers: Answer[] = [];
  served.run(calls, ({ id }, outcome) => {
    answers.push('value' in outcome ? { id, value: outcome.value } : { id, error: toSentError(outcome.error) });
  });
  return answers;
}

function post(port: MessagePort, answers: readonly Answer[]): void {
  port.postMessage(answers);
}
