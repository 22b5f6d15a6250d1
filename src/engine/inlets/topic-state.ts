import type { Inlet, InletPartition, InletTopic } from '../../pipeline/inlet.ts';
import type { SourceOffset } from '../../store/store.ts';

/** The offset at which to continue reading a partition, or why it is not read. */
export type Standing =
  | { readonly status: 'readable'; readonly partition: InletPartition; readonly stored: number | null }
  | { readonly status: 'stopped'; readonly partition: InletPartition; readonly reason: string };

/**
 * Compares a topic with its offsets in the store. Continuing with a topic that was recreated, has become shorter, or has lost unread
 * records would silently lose records or read others in their place: such partitions are stopped until somebody decides.
 */
export function standingsOf(inlet: Inlet, topic: InletTopic, offsets: readonly SourceOffset[]): readonly Standing[] {
  const own = new Map(offsets.filter(({ topicId }) => topicId === topic.id).map(({ partition, next }) => [partition, next]));
  const other = offsets.find(({ topicId }) => topicId !== topic.id);
  const isAnother = own.size === 0 && other !== undefined && inlet.acceptedTopicId !== topic.id;
  return topic.partitions.map((partition): Standing => {
    const stored = own.get(partition.partition) ?? null;
    const stopped = (reason: string): Standing => ({ status: 'stopped', partition, reason });
    if (isAnother)
      return stopped(
        `expected the topic ${other.topicId}, found one that was created anew (${topic.id}); its records are not those that were read so far`,
      );
    if (stored === null) return { status: 'readable', partition, stored };
    const { earliest, end } = partition;
    // A broker that restarts after a crash may report an earlier end at first, so this is no lasting verdict.
    if (stored > end)
      return stopped(`expected records up to offset ${stored}, which was read already, found that the partition ends at ${end}`);
    if (stored >= earliest) return { status: 'readable', partition, stored };
    if (inlet.mayLoseRecords === true) return { status: 'readable', partition, stored };
    return stopped(
      `expected the record of offset ${stored}, found none before ${earliest}: ${earliest - stored} were deleted before they were read`,
    );
  });
}
