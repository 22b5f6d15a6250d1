import { MillraceError, messageOf } from '../errors.ts';
import { cloneWhole } from '../pipeline/clone.ts';
import { copyJson, NotJson } from '../pipeline/json.ts';

/**
 * Copies the event as it is now: the handler may change it before its turn ends, and keep parts of it. Most are JSON; the other pipeline's
 * schema may accept more. Throws `MILL_INVALID_EFFECT` for an event that cannot be copied.
 *
 * @param what the effect it belongs to, for the message
 */
export function snapshot(event: unknown, what: string): unknown {
  try {
    return copyJson(event);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
  }
  try {
    return cloneWhole(event);
  } catch (error) {
    throw new MillraceError(
      'MILL_INVALID_EFFECT',
      `${what}: expected a copyable event, found one that cannot be copied: ${messageOf(error)}`,
    );
  }
}
