import type { NamedCount, StoredPipeline } from '../store.ts';
import { compareText } from '../text-order.ts';
import type { PartitionRecords } from './partition-records.ts';

/** Counts the contents of one pipeline's slices. */
export function inventoryOf(
  pipeline: string,
  slices: readonly PartitionRecords[],
  { isCounted, isNamed, inbox }: { readonly isCounted: boolean; readonly isNamed: boolean; readonly inbox: number },
): StoredPipeline {
  const keys = isCounted || isNamed ? slices.flatMap((records) => records.keysWithState()) : [];
  const causes = slices.flatMap((records) => Array.from(records.causes));
  return {
    pipeline,
    waiting: slices.reduce((total, records) => total + records.waiting, 0),
    states: isCounted ? keys.length : null,
    keys: isNamed ? keys.sort(compareText) : [],
    timers: countsOf(causes.flatMap((cause) => (cause.kind === 'timer' ? [cause.name] : []))),
    outcomes: countsOf(causes.flatMap((cause) => (cause.kind === 'outcome' ? [cause.endpoint] : []))),
    deliveries: countsOf(slices.flatMap((records) => Array.from(records.deliveries, ({ endpoint }) => endpoint))),
    deadLetters: slices.reduce((total, records) => total + Array.from(records.deadLetters()).length, 0),
    inbox,
  };
}

function countsOf(names: readonly string[]): readonly NamedCount[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Array.from(counts, ([name, count]) => ({ name, count })).sort((a, b) => compareText(a.name, b.name));
}
