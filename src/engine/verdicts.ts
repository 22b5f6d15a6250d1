import { MillraceError } from '../errors.ts';
import type { Appended } from '../store/store.ts';
import type { Outgoing } from './draft.ts';

/** The door's verdict on an event (promise 10). Either way the event is on disk. */
export interface Ingested {
  readonly status: 'accepted' | 'duplicate';
  readonly id: string;
}

/** The verdict on one event of a batch. */
export type Judged = Ingested | { readonly status: 'rejected'; readonly error: MillraceError };

/** Returns the verdict on an event that the store was asked to append. */
export function judge({ stored }: Outgoing, appended: Appended | undefined): Judged {
  if (appended?.status !== 'late') return { status: appended?.status === 'accepted' ? 'accepted' : 'duplicate', id: stored.id };
  const message = `key ${stored.key}: number ${stored.number} came after it was skipped`;
  return { status: 'rejected', error: new MillraceError('MILL_EVENT_TOO_LATE', message) };
}

/** Returns the verdict on each event of a batch, including holes in its array. */
export function judgeEach(
  count: number,
  refused: ReadonlyMap<number, MillraceError>,
  admitted: readonly Outgoing[],
  appended: readonly Appended[],
): readonly Judged[] {
  let next = 0;
  return Array.from({ length: count }, (_, at) => {
    const error = refused.get(at);
    if (error !== undefined) return { status: 'rejected', error };
    const verdict = judge(admitted[next] as Outgoing, appended[next]);
    next += 1;
    return verdict;
  });
}

/** The refused events of a batch, by index. */
export class Refused {
  readonly errors = new Map<number, MillraceError>();
  /** The schema has not answered in time for one of them. */
  late: MillraceError | undefined;

  note(at: number, error: unknown): undefined {
    const refusal = asRefusal(error);
    this.errors.set(at, refusal);
    if (refusal.code === 'MILL_VALIDATION_TIMEOUT') this.late = refusal;
  }

  /** The errors that are the fault of the pipeline or the engine. */
  get faults(): readonly MillraceError[] {
    return Array.from(this.errors.values()).filter(({ code }) => code === 'MILL_PIPELINE_FAILED' || code === 'MILL_INTERNAL');
  }
}

/** Returns the fault of a single event; anything else is a fault of the call. */
function asRefusal(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  throw error;
}
