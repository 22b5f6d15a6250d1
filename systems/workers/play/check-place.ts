import { MillraceError } from '../../../src/index.ts';
import type { Place } from '../place.ts';
import type { FileMessage } from './file-message.ts';
import type { MessagesFile } from './messages-file.ts';

/**
 * Finds a place in the file again; returns the number of messages up to it. Throws `MILL_CONFLICT` if it belongs to another file, or to
 * other workers.
 */
export function checkPlace(file: MessagesFile, place: Place): number {
  if (place.workers !== file.workers) refuse(file, `expected ${place.workers} workers, as at the start, found ${file.workers}`);
  let count = 0;
  let accumulated = 0;
  let last: FileMessage | undefined;
  for (const message of file.upTo(place.row)) {
    last = message;
    count += 1;
    accumulated += message.interval;
  }
  if (last?.row !== place.row) refuse(file, `expected row ${place.row}, where it stopped, found none`);
  if (last.says !== place.says) refuse(file, `expected row ${place.row}, where it stopped, to be unchanged, found another message`);
  if (accumulated === place.accumulated_time) return count;
  return refuse(file, `expected the intervals up to row ${place.row} to add up to ${place.accumulated_time} ms, found ${accumulated}`);
}

/** The error for a state that belongs to no file, for example one made over the API. */
export function foreignState(): MillraceError {
  return new MillraceError('MILL_CONFLICT', 'the state does not belong to a play of a file');
}

function refuse({ path }: MessagesFile, problem: string): never {
  throw new MillraceError('MILL_CONFLICT', `the state does not belong to ${path}: ${problem}`);
}
