import type { SourceBatch, SourceOffset } from '../store.ts';

/** The positions at which pipelines continue reading the topics of brokers. */
export class MemorySourceOffsets {
  readonly #offsets = new Map<string, SourceOffset>();

  of(pipeline: string, source: string): readonly SourceOffset[] {
    return Array.from(this.#offsets.values()).filter((offset) => offset.pipeline === pipeline && offset.source === source);
  }

  /** Moves an offset from its expected position; returns whether it was there. */
  move({ pipeline, source, topicId, partition, expected, next }: SourceBatch): boolean {
    const name = JSON.stringify([pipeline, source, topicId, partition]);
    if ((this.#offsets.get(name)?.next ?? null) !== expected) return false;
    this.#offsets.set(name, { pipeline, source, topicId, partition, next });
    return true;
  }

  forget(pipeline: string): void {
    for (const [name, offset] of this.#offsets) if (offset.pipeline === pipeline) this.#offsets.delete(name);
  }
}
