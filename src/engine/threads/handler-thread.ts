import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { describeFound } from '../../describe-found.ts';
import { MillraceError, messageOf } from '../../errors.ts';
import { cloneWhole } from '../../pipeline/clone.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import { provideMillrace } from '../../provide-millrace.ts';
import type { Logger } from '../logger.ts';
import { TurnRecord } from '../turn.ts';
import { importPipeline } from './exported-pipeline.ts';
import {
  type AttemptAnswer,
  type AttemptRequest,
  type Begun,
  type LeftBehind,
  type LogLine,
  type SentError,
  toSentError,
} from './thread-messages.ts';

/*
 * A thread that runs handlers. It imports the user's module once, and answers each attempt with the handler's decisions, as plain data. It
 * never throws: a failure in the pool means a dead thread.
 */

provideMillrace();
// It would end the thread, and fail an attempt at another event that is under way by now.
process.on('unhandledRejection', (thrown) => parentPort?.postMessage({ leftBehind: toSentError(thrown) } satisfies LeftBehind));
let pipeline: Promise<AnyPipeline> | undefined;

/** Returns why the thread cannot do its work, if it cannot. */
export async function load(): Promise<SentError | undefined> {
  try {
    await loaded();
    return undefined;
  } catch (error) {
    return toSentError(error);
  }
}

export async function run(request: AttemptRequest): Promise<AttemptAnswer> {
  const lines: LogLine[] = [];
  let turn: TurnRecord | undefined;
  try {
    const declared = await loaded();
    turn = new TurnRecord({ ...request.turn, pipeline: declared, log: gathering(lines) });
    parentPort?.postMessage({ begun: request.attemptId } satisfies Begun);
    const next = await handle(declared, request, turn);
    turn.end();
    turn.checkEffects();
    const { rows, sends, timerWrites, deliveries, ignored } = turn;
    return { decided: { next: copied(next, 'next state'), rows, sends, timerWrites, deliveries, ignored }, lines };
  } catch (error) {
    turn?.end();
    return { failed: toSentError(error), lines };
  }
}

function loaded(): Promise<AnyPipeline> {
  pipeline ??= importPipeline(workerData);
  return pipeline;
}

function handle(declared: AnyPipeline, { work, state }: AttemptRequest, turn: TurnRecord): unknown {
  if (work.kind === 'event') return declared.handle(work.event, state, turn);
  if (work.kind === 'timer') return declared.timers[work.name]?.(state, turn, work.data);
  return declared.deliver[work.endpoint]?.outcome?.(state, turn, work.outcome);
}

/** A value that cannot be copied would end the thread on its way out. */
function copied(value: unknown, what: string): unknown {
  try {
    return cloneWhole(value);
  } catch (error) {
    throw new MillraceError(
      'MILL_INVALID_EFFECT',
      `${what}: expected JSON, found a value that cannot be sent to another thread: ${messageOf(error)}`,
    );
  }
}

/** The engine's thread writes the lines, once the attempt has ended. */
function gathering(lines: LogLine[]): Logger {
  const write = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, message: typeof message === 'string' ? message : describeFound(message), fields: copiedFields(fields) });
  };
  const log: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => log };
  return log;
}

/** Copies the fields as they are now; a line is worth more than the exact form of its fields. */
function copiedFields(fields: object): object {
  try {
    return structuredClone(fields);
  } catch {
    return { fields: inspect(fields) };
  }
}
