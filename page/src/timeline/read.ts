import { durationText } from '../lib/format.ts';
import type { Item, ItemKind } from './model.ts';

/** An item as `GET …/timeline` answers it. */
export interface TimelineItem {
  readonly id: string;
  readonly at: string;
  readonly durationMs: number | null;
  readonly kind: string;
  readonly causedBy: string | null;
  readonly commit: string | null;
  readonly [name: string]: unknown;
}

/** Returns an item as the page shows it. A kind that it does not know is shown by its name. */
export function readItem(item: TimelineItem): Item {
  const { id, at, durationMs, kind, causedBy, commit, ...details } = item;
  const from = Date.parse(at);
  return {
    id,
    at: from,
    end: from + (durationMs ?? 0),
    causedBy,
    commit,
    details,
    kind: kind as ItemKind,
    isGood: undefined,
    name: kind,
    text: `${kind} ${durationText(durationMs ?? 0)}`,
    label: '',
    attempt: undefined,
    reason: undefined,
  };
}
