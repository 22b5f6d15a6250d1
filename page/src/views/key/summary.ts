import { countOf } from '../../lib/format.ts';
import type { KeyDetails } from '../../lib/types.ts';
import type { Item } from '../../timeline/model.ts';

/** Summarises a key's history in a sentence or two. */
export function summaryOf(items: readonly Item[], details: KeyDetails | undefined): string {
  if (details === undefined) return '\u00a0';
  const { status, parkedBy, pending } = details;
  const failures = items.filter(({ kind, isGood }) => kind === 'turn' && isGood === false).length;
  const turns = items.filter(({ kind, isGood }) => kind === 'turn' && isGood !== false).length;
  const done = `${countOf(turns, 'turn')} handled${failures === 0 ? '' : `, ${countOf(failures, 'attempt')} failed`}`;
  if (status === 'parked') {
    const why = parkedBy === null ? 'an operator parked it' : parkedBy.reason;
    return `Parked: ${why}. ${countOf(pending, 'event')} ${pending === 1 ? 'waits' : 'wait'} for an operator. ${done}.`;
  }
  if (status === 'blocked')
    return `An attempt failed and will be retried. ${countOf(pending, 'event')} ${pending === 1 ? 'waits' : 'wait'}. ${done}.`;
  if (status === 'waiting')
    return `Number ${details.next ?? ''} has not arrived; ${countOf(pending, 'later event')} ${pending === 1 ? 'waits' : 'wait'}. ${done}.`;
  return `Open: nothing holds the key back. ${done}.`;
}

/** Returns the chosen turn's change of the state, if the timeline has it. */
export function changeOf(items: readonly Item[], chosen: Item | undefined): { before: unknown; after: unknown; by: string } | undefined {
  if (chosen === undefined || !('state' in chosen.details)) return undefined;
  const earlier = items.find((item) => item.at < chosen.at && 'state' in item.details);
  return { before: earlier?.details.state, after: chosen.details.state, by: chosen.label === '' ? chosen.name : chosen.label };
}
