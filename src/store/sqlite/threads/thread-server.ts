import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { MillraceError, messageOf } from '../../../errors.ts';
import { heapWorked } from '../../../rested-heap.ts';
import type { StoreLogger } from '../../store.ts';
import type { Outcome } from './group-commit.ts';
import { type Answer, type Message, type Notice, noticeId, type Request, startId, toSentError } from './thread-messages.ts';

/** A thread's handling of its requests. */
export interface Served {
  /** The answer to the start. */
  readonly started?: unknown;
  /** Runs the requests and reports the outcome of each. An exception ends the thread. */
  run(requests: readonly Request[], tell: (request: Request, outcome: Outcome) => void): void;
  /** Does work that can wait until the answers are on their way. */
  answered?(): void;
  close(): void;
}

export interface ServeOptions {
  /** Prepares for requests. If it throws, every request fails with that error. The logger is that of the thread's other end. */
  start(log: StoreLogger): Served;
  /** Weighs a request. */
  weigh(request: Request): number;
  /** A group accepts no further request once it weighs this much. */
  readonly groupWeight: number;
}

/**
 * The inner end of a `Thread`: takes the requests waiting at the port as one group, answers the group in one message, and ends when told to
 * close.
 */
export function serve(port: MessagePort, options: ServeOptions): void {
  const served = startServed(port, options);
  if (served === undefined) return;
  port.on('message', (first: Message) => {
    let message: Message | undefined = first;
    while (message !== undefined && message !== 'close') {
      const requests: Request[] = [];
      for (let weight = 0; weight < options.groupWeight && message !== undefined && message !== 'close'; message = receive(port)) {
        requests.push(message);
        weight += options.weigh(message);
      }
      post(port, answersOf(served, requests));
      served.answered?.();
    }
    heapWorked();
    if (message === 'close') {
      served.close();
      port.close();
    }
  });
}

/** Runs a request to a `Thread<Methods>`, whose type guarantees a method with these parameters. */
export function perform<Methods>(target: Methods, { method, parameters }: Request): unknown {
  const answering = target[method as keyof Methods] as (...parameters: readonly unknown[]) => unknown;
  return answering.apply(target, [...parameters]);
}

function startServed(port: MessagePort, { start }: ServeOptions): Served | undefined {
  try {
    const served = start(logBy(port));
    post(port, [{ id: startId, value: served.started }]);
    return served;
  } catch (error) {
    const startError = error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
    post(port, [{ id: startId, error: toSentError(startError) }]);
    return undefined;
  }
}

function logBy(port: MessagePort): StoreLogger {
  const tell = (level: keyof StoreLogger) => (fields: object, message: string) =>
    post(port, [{ id: noticeId, value: { level, fields, message } satisfies Notice }]);
  return { info: tell('info'), warn: tell('warn') };
}

function answersOf(served: Served, requests: readonly Request[]): readonly Answer[] {
  const answers: Answer[] = [];
  served.run(requests, ({ id }, outcome) => {
    answers.push('value' in outcome ? { id, value: outcome.value } : { id, error: toSentError(outcome.error) });
  });
  return answers;
}

function post(port: MessagePort, answers: readonly Answer[]): void {
  port.postMessage(answers);
}

function receive(port: MessagePort): Message | undefined {
  return receiveMessageOnPort(port)?.message;
}
