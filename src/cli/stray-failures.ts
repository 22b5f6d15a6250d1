import type { Log } from '../engine/log.ts';
import { isError } from '../errors.ts';
import { faultFields, faultOf } from '../fault.ts';

/*
 * A failure strays when nobody waits for it: a promise that a handler forgot to await rejects, or an emitter throws from a callback. It
 * belongs to no turn any more.
 */

const said = {
  unhandledRejection: 'a promise rejected that nobody waits for: an await may be missing',
  uncaughtException: 'an exception that nobody caught, outside of any turn',
} as const;

/**
 * From now on a stray failure of the served program is logged with its stack, and the process goes on: every turn is whole or has
 * failed, so nothing of the engine depends on it. One of Millrace itself goes to those who listened before: its state may be broken.
 */
export function outliveStrayFailures(log: Pick<Log, 'error'>): void {
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    const former = process.listeners(event as 'uncaughtException');
    process.removeAllListeners(event);
    process.on(event, (thrown: unknown) => {
      if (!isOfMillrace(event, thrown)) log.error(faultFields(faultOf(thrown)), said[event]);
      else for (const listener of former) listener.call(process, thrown as Error, event);
    });
  }
}

const own = new URL('..', import.meta.url).href;

/**
 * Whether Millrace itself failed, as far as a stack tells. An exception that passed through a frame of Millrace broke it off. A rejection
 * may have begun in one, as the handler was called there: it is Millrace's only where no frame is of somebody else's program.
 */
export function isOfMillrace(event: keyof typeof said, thrown: unknown): boolean {
  const frames = framesOf(thrown);
  const isOwn = frames.some((frame) => frame.includes(own));
  if (event === 'uncaughtException') return isOwn;
  return isOwn && frames.every((frame) => frame.includes(own) || frame.includes('node:') || frame.includes('/node_modules/'));
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
