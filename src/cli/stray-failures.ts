import type { Logger } from '../engine/logger.ts';
import type { Turns } from '../engine/turns-under-way.ts';
import { isError, isInstance } from '../errors.ts';
import { codeOf, faultFields, faultOf } from '../fault.ts';
import type { ProcessCounts } from '../telemetry/process-counts.ts';
import { ExitCalled } from './exit.ts';

/*
 * A stray failure is one that no caller receives: a promise that a handler forgot to await rejects, or an emitter throws from a callback.
 * It no longer belongs to any turn.
 */

const said = {
  unhandledRejection: 'an unawaited promise rejected: an await may be missing',
  uncaughtException: 'an uncaught exception outside of any turn',
} as const;

/** Maximum turns named in one line. */
const namedMax = 10;

export interface StrayFailuresMeans {
  readonly log: Pick<Logger, 'error'>;
  readonly counts: ProcessCounts;
  readonly turns: Turns;
  /** Ends the process gracefully. */
  end(): void;
}

/**
 * Handles failures that nobody waits for, and calls of `process.exit()`, while a program is served. Each is counted, and logged with its
 * stack and the turn it began in.
 *
 * - A failure of the served program ends nothing: every turn is whole or has failed, so nothing of the engine depends on it.
 * - A failure of Millrace itself ends the process gracefully, since its state may be broken.
 * - A `process.exit()` of the served program also ends the process gracefully, and fails the attempt that called it.
 */
export class StrayFailures {
  readonly #means: StrayFailuresMeans;
  /** The exit code of the process, once it must end. */
  exitCode: number | undefined;

  constructor(means: StrayFailuresMeans) {
    this.#means = means;
  }

  /** Replaces earlier listeners. */
  listen(): void {
    for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
      process.removeAllListeners(event);
      process.on(event, (thrown: unknown) => this.#strayed(event, thrown));
    }
  }

  /** Handles a call of `process.exit()` by the served program, which throws now. */
  exitCalled(exit: ExitCalled): void {
    const { log, counts, turns, end } = this.#means;
    counts.strayFailures.exit += 1;
    turns.fail(exit);
    if (this.exitCode !== undefined) return;
    this.exitCode = exit.exitCode;
    log.error(
      { ...this.#fieldsOf(exit), exitCode: exit.exitCode, ...this.#turnsUnderWay() },
      'the served program called process.exit(): stopping',
    );
    end();
  }

  /** Handles an unstoppable exit: the served program kept a `process.exit` from before it was served. */
  exitBypassed(): void {
    const { log, turns } = this.#means;
    log.error(
      { stack: new Error('process.exit()').stack, turn: turns.present(), ...this.#turnsUnderWay() },
      'the served program has ended the process',
    );
  }

  #strayed(event: keyof typeof said, thrown: unknown): void {
    // Already reported when it was called.
    if (isInstance(thrown, ExitCalled)) return;
    const { log, counts, end } = this.#means;
    counts.strayFailures[event] += 1;
    if (!isOfMillrace(event, thrown)) {
      log.error(this.#fieldsOf(thrown), said[event]);
      return;
    }
    log.error({ ...this.#fieldsOf(thrown), ...this.#turnsUnderWay() }, 'Millrace itself failed: stopping');
    if (this.exitCode !== undefined) return;
    this.exitCode = 1;
    end();
  }

  #fieldsOf(thrown: unknown): object {
    const turn = this.#means.turns.present();
    return { ...faultFields(faultOf(thrown)), ...(turn && { turn }) };
  }

  #turnsUnderWay(): object {
    const turns = this.#means.turns.underWay();
    return { underWay: turns.length, turns: turns.slice(0, namedMax) };
  }
}

const own = new URL('..', import.meta.url).href;

/**
 * Returns whether Millrace itself failed, as far as a stack shows. An exception that passed through a frame of Millrace interrupted it,
 * unless the listener of an event target (such as an `AbortSignal`) threw it: such exceptions interrupt nothing. A rejection with frames of
 * Millrace may still be the program's. It counts as Millrace's only if the innermost frame is Millrace's, no frame is the program's, and
 * the error is not one that Millrace returns to callers, who may have forgotten to await it.
 */
export function isOfMillrace(event: keyof typeof said, thrown: unknown): boolean {
  const frames = framesOf(thrown);
  if (event === 'unhandledRejection') {
    const code = codeOf(thrown);
    return (code === undefined || code === 'MILL_INTERNAL') && isOwn(frames.find((frame) => !isOfNode(frame))) && !frames.some(isOfProgram);
  }
  const dispatched = frames.findIndex((frame) => frame.includes('node:internal/event_target'));
  return frames.slice(0, dispatched === -1 ? frames.length : dispatched).some(isOwn);
}

function isOwn(frame: string | undefined): boolean {
  return frame?.includes(own) ?? false;
}

function isOfNode(frame: string): boolean {
  return frame.includes('node:');
}

function isOfProgram(frame: string): boolean {
  return !isOwn(frame) && !isOfNode(frame) && !frame.includes('/node_modules/');
}

/** Returns all frames that have a place, including those left out of logs. An error whose stack cannot be read is not ours. */
function framesOf(thrown: unknown): readonly string[] {
  try {
    const stack = isError(thrown) ? thrown.stack : undefined;
    return typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line)) : [];
  } catch {
    return [];
  }
}
