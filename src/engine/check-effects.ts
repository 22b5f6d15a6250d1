import { type Check, checkOptions, type OptionTable, refuseUnknown } from '../pipeline/check-options.ts';
import { isPipeline } from '../pipeline/is-pipeline.ts';
import { Place } from '../pipeline/place.ts';
import type { DeliverOptions, TimerDue } from '../pipeline/turn.ts';

/*
 * Checks effects for handlers without a compiler. Each check throws MILL_INVALID_EFFECT, which fails the whole turn. They run with every
 * effect, so they look at types and names first, and at more only if something is wrong.
 */

/** An id and a url are checked where they are read. */
const anything: Check = () => undefined;
const deliverOptions: OptionTable<DeliverOptions> = { id: anything, url: anything };

export function checkDeliverOptions(endpoint: string, options: unknown): void {
  if (!isDeliverOptions(options)) checkOptions(options, deliverOptions, placeOf(`deliver to ${endpoint}`));
}

function isDeliverOptions(options: unknown): boolean {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (name !== 'id' && name !== 'url') return false;
  return true;
}

/** Refuses anything that does not say when a timer is due: by one of `after` and `at`, whose values are checked where they are read. */
export function checkDue(due: unknown): asserts due is TimerDue {
  if (typeof due !== 'object' || due === null)
    return placeOf('timers.set').expected("{ after: '5m' } or { at: milliseconds since 1970 }", due);
  for (const name in due) {
    if (name !== 'after' && name !== 'at' && name !== 'data') refuseUnknown(name, ['after', 'at', 'data'], placeOf('timers.set'));
  }
  const { after, at }: { readonly after?: unknown; readonly at?: unknown } = due;
  if ((after === undefined) === (at === undefined))
    placeOf('timers.set').refuse(`expected either after or at, found ${at === undefined ? 'neither' : 'both'}`);
}

/** Returns the name of the receiving pipeline. */
export function checkReceiver(to: unknown): string {
  if (typeof to === 'string') return to;
  if (isPipeline(to)) return to.name;
  return placeOf('send').expected('a pipeline or the name of one', to);
}

export function checkRow(effect: string, row: unknown): void {
  if (typeof row !== 'object' || row === null) placeOf(effect).at('row').expected('an object of columns', row);
}

export function checkReason(reason: unknown): void {
  if (typeof reason !== 'string') placeOf('ignore').expected('a reason as text', reason);
}

function placeOf(effect: string): Place {
  return new Place(effect, 'MILL_INVALID_EFFECT');
}
