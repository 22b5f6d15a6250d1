import type { Inlet, InletRead, InletRecord, InletRequest, InletTopic } from '../pipeline/inlet.ts';
import type { ContractRecord, ContractTopic } from './contract.ts';
import { decoderOf, type ValueOptions } from './values.ts';

/** A topic in the memory of the process, for tests that play a broker. */
export class MemoryTopic implements ContractTopic {
  #id = 'first';
  #partitions: { earliest: number; records: InletRecord[] }[];
  readonly #name: string;
  readonly #woken = new Set<() => void>();
  /** The broker's answer to every call, while it is set. */
  outage: Error | undefined;
  /** Number of reads. */
  reads = 0;

  constructor(partitions: number, name = 'memory:topic') {
    this.#name = name;
    this.#partitions = Array.from({ length: partitions }, () => ({ earliest: 0, records: [] }));
  }

  inlet(options: ValueOptions & Pick<Inlet, 'acceptedTopicId' | 'mayLoseRecords'> = {}): Inlet {
    const { acceptedTopicId, mayLoseRecords } = options;
    return {
      name: this.#name,
      acceptedTopicId,
      mayLoseRecords,
      topic: async () => this.#topic(),
      read: (request, signal) => this.#read(request, signal),
      decode: decoderOf(options),
    };
  }

  async produce(partition: number, records: readonly ContractRecord[]): Promise<void> {
    const { earliest, records: all } = this.#at(partition);
    for (const { key = null, value, headers = {} } of records) {
      const bytes = (text: string | Uint8Array | null) => (typeof text === 'string' ? Buffer.from(text) : text);
      all.push({
        offset: (all.at(-1)?.offset ?? earliest - 1) + 1,
        timestamp: 0,
        key: bytes(key),
        value: bytes(value),
        headers: Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) })),
      });
    }
    this.wake();
  }

  async addPartitions(count: number): Promise<void> {
    for (let added = 0; added < count; added += 1) this.#partitions.push({ earliest: 0, records: [] });
  }

  async recreate(): Promise<void> {
    this.#id = `${this.#id} again`;
    this.#partitions = this.#partitions.map(() => ({ earliest: 0, records: [] }));
  }

  async deleteBefore(partition: number, offset: number): Promise<void> {
    const found = this.#at(partition);
    found.earliest = offset;
    found.records = found.records.filter((record) => record.offset >= offset);
  }

  async dispose(): Promise<void> {
    this.wake();
  }

  /** Ends the waits of all readers. */
  wake(): void {
    for (const wake of this.#woken) wake();
  }

  #at(partition: number): { earliest: number; records: InletRecord[] } {
    const found = this.#partitions[partition];
    if (found === undefined) throw new Error(`expected one of ${this.#partitions.length} partitions, found ${partition}`);
    return found;
  }

  #topic(): InletTopic {
    if (this.outage !== undefined) throw this.outage;
    const partitions = this.#partitions.map(({ earliest, records }, partition) => {
      return { partition, earliest, end: (records.at(-1)?.offset ?? earliest - 1) + 1 };
    });
    return { id: this.#id, partitions };
  }

  async #read(request: InletRequest, signal: AbortSignal): Promise<readonly InletRead[]> {
    if (this.outage !== undefined) throw this.outage;
    this.reads += 1;
    const found = this.#found(request);
    if (found.length > 0) return found;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#woken.delete(end);
        resolve();
      };
      const timer = setTimeout(end, request.waitMs);
      this.#woken.add(end);
      signal.addEventListener('abort', end, { once: true });
    });
    signal.throwIfAborted();
    return this.#found(request);
  }

  #found({ positions, bytesMax }: InletRequest): readonly InletRead[] {
    return positions.flatMap(({ partition, offset }) => {
      const { records: all, earliest } = this.#at(partition);
      if (offset < earliest) throw new Error(`partition ${partition} has no offset ${offset}`);
      let bytes = 0;
      const records: InletRecord[] = [];
      for (const record of all) {
        if (record.offset < offset) continue;
        if (records.length > 0 && bytes + (record.value?.length ?? 0) > bytesMax) break;
        bytes += record.value?.length ?? 0;
        records.push(record);
      }
      const last = records.at(-1);
      return last === undefined ? [] : [{ partition, records, next: last.offset + 1, end: (all.at(-1) as InletRecord).offset + 1 }];
    });
  }
}
