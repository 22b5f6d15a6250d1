import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { MillraceError, messageOf } from '../../../errors.ts';
import type { StoreLog } from '../../store.ts';
import type { Outcome } from './group-commit.ts';
import { type Answer, type Call, type Notice, noticeId, type Request, startId, toSentError } from './thread-messages.ts';

/** What a thread does with its calls. */
export interface Served {
  /** What the start is answered with. */
  readonly started?: unknown;
  /** Does the calls and tells the outcome of each. What it throws ends the thread. */
  run(calls: readonly Call[], tell: (call: Call, outcome: Outcome) => void): void;
  /** For what has time until the answers are on their way. */
  answered?(): void;
  close(): void;
}

export interface ServeOptions {
  /** Gets ready. What it throws is what every call fails with. The log is that of the thread's other end. */
  start(log: StoreLog): Served;
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
  port.on('message', (first: Request) => {
    let request: Request | undefined = first;
    while (request !== undefined && request !== 'close') {
      const calls: Call[] = [];
      for (let weight = 0; weight < options.groupWeight && request !== undefined && request !== 'close'; request = receive(port)) {
        calls.push(request);
        weight += options.weigh(request);
      }
      post(port, answersOf(served, calls));
      served.answered?.();
    }
    if (request === 'close') {
      served.close();
      port.close();
    }
  });
}

/** Does a call of a `Thread<Calls>`, whose type says that there is such a method with such parameters. */
export function perform<Calls>(target: Calls, { method, parameters }: Call): unknown {
  const answering = target[method as keyof Calls] as (...parameters: readonly unknown[]) => unknown;
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

function logBy(port: MessagePort): StoreLog {
  const tell = (level: keyof StoreLog) => (fields: object, message: string) =>
    post(port, [{ id: noticeId, value: { level, fields, message } satisfies Notice }]);
  return { info: tell('info'), warn: tell('warn') };
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

function receive(port: MessagePort): Request | undefined {
  return receiveMessageOnPort(port)?.message;
}
