import type { MillraceError } from '../errors.ts';
import { codeOf, faultFields, faultOf } from '../fault.ts';
import type { Transport } from '../pipeline/endpoint.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Clock } from './clock.ts';
import { within } from './deadline.ts';
import type { Logger } from './logger.ts';

/** Time that a stop waits for closing transports, in milliseconds. */
const closeMsMax = 5_000;

/** The transports of all endpoints: each is opened once and closed once, however many endpoints share it. */
export class Transports {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #transports: ReadonlySet<Transport>;
  readonly #open = new Set<Transport>();
  /** Rejects when nobody waits any more for a transport to open. */
  readonly #abandoned = Promise.withResolvers<never>();

  constructor(pipelines: readonly AnyPipeline[], clock: Clock, log: Logger) {
    this.#abandoned.promise.catch(() => undefined);
    this.#clock = clock;
    this.#log = log;
    this.#transports = new Set(pipelines.flatMap(({ deliver }) => Object.values(deliver).map(({ to }) => to)));
  }

  /** Throws what a transport throws, and the reason of {@link abandon}. */
  async open(): Promise<void> {
    for (const transport of this.#transports) {
      this.#open.add(transport);
      try {
        await Promise.race([transport.open?.(this.#log), this.#abandoned.promise]);
      } catch (error) {
        if (codeOf(error) === 'MILL_STOPPING') throw error;
        // A program may show no more than the message of a failed start.
        this.#log.error(faultFields(faultOf(error)), 'a transport failed to open');
        throw error;
      }
    }
  }

  /** Stops waiting for a transport that is opening: it may be waiting for a missing server. */
  abandon(reason: MillraceError): void {
    this.#abandoned.reject(reason);
  }

  /** Closes them. One that cannot be closed, or takes longer than five seconds, must not keep the store open. */
  async close(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    const closed = Promise.all(open.map((transport) => this.#close(transport)));
    if (await within(this.#clock, closeMsMax, (deadline) => deadline.race(closed))) return;
    this.#log.warn({ timeoutMs: closeMsMax }, 'a transport did not close in time, and is abandoned');
  }

  async #close(transport: Transport): Promise<void> {
    try {
      await transport.close?.();
    } catch (error) {
      this.#log.warn(faultFields(faultOf(error)), 'a transport failed to close');
    }
  }
}
