import { localText, momentText, preciseText } from '../lib/format.ts';

/** A moment in UTC; its title shows the reader's local time. */
export function Moment({ at, isPrecise = false }: { readonly at: string; readonly isPrecise?: boolean }) {
  return (
    <time class="mono nowrap" dateTime={at} title={localText(at)}>
      {isPrecise ? preciseText(at) : momentText(at)}
    </time>
  );
}
