import type { Inlet, InletRecord } from '../../src/pipeline/inlet.ts';

/** Time without progress after which reading is given up, in milliseconds: a broker that was just killed may need a while. */
const patienceMs = 120_000;

/** Returns the offset after the last record of each partition. */
export async function endsOf(inlet: Inlet): Promise<ReadonlyMap<number, number>> {
  const { partitions } = await inlet.topic(AbortSignal.timeout(patienceMs));
  return new Map(partitions.map(({ partition, end }) => [partition, end]));
}

/** Reads all records of a topic, one partition after another, in order within each. */
export async function* readAll(inlet: Inlet): AsyncGenerator<InletRecord> {
  const { partitions } = await inlet.topic(AbortSignal.timeout(patienceMs));
  for (const { partition, earliest, end } of partitions) {
    let progressAt = performance.now();
    for (let offset = earliest; offset < end; ) {
      const request = { positions: [{ partition, offset }], waitMs: 1_000, bytesMax: 1024 * 1024 };
      for (const read of await inlet.read(request, AbortSignal.timeout(patienceMs))) {
        yield* read.records;
        if (read.next > offset) progressAt = performance.now();
        offset = read.next;
      }
      if (performance.now() - progressAt > patienceMs)
        throw new Error(`partition ${partition} of ${inlet.name} was read up to ${offset} of ${end}, and no further`);
    }
  }
}
