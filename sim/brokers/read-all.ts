import type { Inlet, InletRecord } from '../../src/pipeline/inlet.ts';

/** Time limit in milliseconds; a broker that was just killed may need a while. */
const patienceMs = 120_000;

/** Returns the offset after the last record of each partition. */
export async function endsOf(inlet: Inlet): Promise<ReadonlyMap<number, number>> {
  const { partitions } = await inlet.topic(AbortSignal.timeout(patienceMs));
  return new Map(partitions.map(({ partition, end }) => [partition, end]));
}

/** Returns all records of a topic, in order within each partition. */
export async function readAll(inlet: Inlet): Promise<readonly (readonly InletRecord[])[]> {
  const signal = AbortSignal.timeout(patienceMs);
  const { partitions } = await inlet.topic(signal);
  const all: InletRecord[][] = [];
  for (const { partition, earliest, end } of partitions) {
    const found: InletRecord[] = [];
    for (let offset = earliest; offset < end; ) {
      const reads = await inlet.read({ positions: [{ partition, offset }], waitMs: 1_000, bytesMax: 1024 * 1024 }, signal);
      for (const read of reads) {
        found.push(...read.records);
        offset = read.next;
      }
    }
    all.push(found);
  }
  return all;
}
