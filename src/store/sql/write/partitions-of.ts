import type { PartitionId } from '../../store.ts';

/** The partitions of events, each once. */
export function partitionsOf(events: Iterable<{ readonly partition: PartitionId }>): readonly PartitionId[] {
  const partitions = new Map<string, PartitionId>();
  for (const { partition } of events) partitions.set(`${partition.slice} ${partition.pipeline}`, partition);
  return Array.from(partitions.values());
}
