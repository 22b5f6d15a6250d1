import { countText } from '../lib/format.ts';

/** A number with a bar that compares it to the largest of its list. */
export function Bar({ value, most }: { readonly value: number; readonly most: number }) {
  return (
    <div class="bar-cell">
      <i style={{ '--share': String(Math.max(0, value / most)) }} />
      <span class="one">{countText(value)}</span>
    </div>
  );
}
