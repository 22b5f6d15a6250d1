import type { Logger } from '../engine/logger.ts';
import type { Turns } from '../engine/turns-under-way.ts';
import { isError, isInstance } from '../errors.ts';
import { codeOf, faultFields, faultOf } from '../fault.ts';
import type { ProcessCounts } from '../telemetry/process-counts.ts';
import { ExitCalled } from './exit.ts';

/*
 * A failure strays when nobody waits for it: a promise that a handler forgot to await rejects, or an emitter throws from a callback. It
 * belongs to no turn any more.
 */

const said = {
  unhandledRejection: 'a promise rejected that nobody waits for: an await may be missing',
  uncaughtException: 'an exception that nobody caught, outside of any turn',
} as const;

/** Turns that one line names. */
const namedMax = 10;

export interface StrayFailuresMeans {
  readonly log: Pick<Logger, 'error'>;
  readonly counts: ProcessCounts;
  readonly turns: Turns;
  /** Ends the process gently. */
  end(): void;
}

/**
 * What becomes of a failure that nobody waits for, and of a `process.exit()`, while a program is served. Each is logged with its stack
 * and the turn that it began in, and counted.
 *
 * - A failure of the served program ends nothing: every turn is whole or has failed, so nothing of the engine depends on it.
 * - A failure of Millrace itself ends the process gently, since its state may be broken.
 * - A `process.exit()` of the served program ends the process gently, too, and fails the attempt that called it.
 */
export class StrayFailures {
  readonly #means: StrayFailuresMeans;
  /** That of the process, once it must end. */
  exitCode: number | undefined;

  constructor(means: StrayFailuresMeans) {
    this.#means = means;
  }

  /** Takes the place of those who listened before. */
  listen(): void {
    for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
      process.removeAllListeners(event);
      process.on(event, (thrown: unknown) => this.#strayed(event, thrown));
    }
  }

  /** The served program has called `process.exit()`, which throws now. */
  exitCalled(exit: ExitCalled): void {
    const { log, counts, turns, end } = this.#means;
    counts.strayFailures.exit += 1;
    turns.fail(exit);
    if (this.exitCode !== undefined) return;
    this.exitCode = exit.exitCode;
    log.error(
      { ...this.#fieldsOf(exit), exitCode: exit.exitCode, ...this.#turnsUnderWay() },
      'the served program ends the process: stopping',
    );
    end();
  }

  /** The process ends, and nothing can be done about it: the served program has kept a `process.exit` from before it was served. */
  exitBypassed(): void {
    const { log, turns } = this.#means;
    log.error(
      { stack: new Error('process.exit()').stack, turn: turns.present(), ...this.#turnsUnderWay() },
      'the served program has ended the process',
    );
  }

  #strayed(event: keyof typeof said, thrown: unknown): void {
    // It was told of when it was called.
    if (isInstance(thrown, ExitCalled)) return;
    const { log, counts, end } = this.#means;
    counts.strayFailures[event] += 1;
    if (!isOfMillrace(event, thrown)) {
      log.error(this.#fieldsOf(thrown), said[event]);
      return;
    }
    log.error({ ...this.#fieldsOf(thrown), ...this.#turnsUnderWay() }, 'Millrace itself has failed: stopping');
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
 * Whether Millrace itself failed, as far as a stack tells. An exception that passed through a frame of Millrace broke it off, unless a
 * listener of an event target threw it: those break nothing off, an `AbortSignal`'s among them. A rejection may have begun in Millrace,
 * where the program was called: it is Millrace's only where the innermost frame is, no frame is the program's, and the error is none that
 * Millrace answers its callers with, one of whom has not waited.
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

/** All of them that have a place, also those that logs leave out. An error whose stack cannot be read is nobody's of ours. */
function framesOf(thrown: unknown): readonly string[] {
  try {
    const stack = isError(thrown) ? thrown.stack : undefined;
    return typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line)) : [];
  } catch {
    return [];
  }
}
