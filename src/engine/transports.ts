import { faultFields, faultOf } from '../fault.ts';
import type { Transport } from '../pipeline/endpoint.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Log } from './log.ts';

/** The transports of all endpoints: each is opened once and closed once, however many endpoints share it. */
export class Transports {
  readonly #log: Log;
  readonly #transports: ReadonlySet<Transport>;
  readonly #open = new Set<Transport>();

  constructor(pipelines: readonly AnyPipeline[], log: Log) {
    this.#log = log;
    this.#transports = new Set(pipelines.flatMap(({ deliver }) => Object.values(deliver).map(({ to }) => to)));
  }

  /** Throws what a transport throws. */
  async open(): Promise<void> {
    for (const transport of this.#transports) {
      this.#open.add(transport);
      try {
        await transport.open?.(this.#log);
      } catch (error) {
        // A program may show no more than the message of a failed start.
        this.#log.error(faultFields(faultOf(error)), 'a transport failed to open');
        throw error;
      }
    }
  }

  /** What cannot be closed is no reason to keep the store open. */
  async close(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    const closed = await Promise.allSettled(open.map(async (transport) => transport.close?.()));
    for (const { reason } of closed.filter((end) => end.status === 'rejected')) {
      this.#log.warn(faultFields(faultOf(reason)), 'a transport failed to close');
    }
  }
}
