import type { InletEvent } from '../../pipeline/inlet.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { AdmissionControl } from '../admission-control.ts';
import type { Outgoing } from '../draft.ts';
import type { EngineContext } from '../engine-context.ts';
import { identify } from '../identify.ts';
import { isFaultOfInput } from '../input-faults.ts';

/** A validated event, or the error that keeps it out, for good or for now. */
export type Identified = { readonly outgoing: Outgoing } | { readonly error: unknown };

interface IdentifiedEventsMeans {
  readonly engine: EngineContext;
  readonly pipeline: AnyPipeline;
  readonly admission: AdmissionControl;
}

/**
 * The events of some records, in order. Each is validated once: when its turn comes, or earlier if the keys that follow must be known.
 */
export class IdentifiedEvents {
  readonly #means: IdentifiedEventsMeans;
  readonly #events: readonly InletEvent[];
  readonly #identified: Identified[] = [];
  #next = 0;

  constructor(means: IdentifiedEventsMeans, events: readonly InletEvent[]) {
    this.#means = means;
    this.#events = events;
  }

  /** Validates the next event. A promise only if the schema is asynchronous. */
  next(): Identified | Promise<Identified> {
    const at = this.#next;
    this.#next += 1;
    return this.#identified[at] ?? this.#identify(at);
  }

  /**
   * Returns valid events from the last one that `next` returned: as many as asked for, unless validation itself currently fails, or has not
   * answered in time.
   */
  async ahead(countMax: number): Promise<readonly Outgoing[]> {
    const first = this.#next - 1;
    const last = Math.min(this.#events.length, first + countMax);
    const found: Outgoing[] = [];
    for (let at = first; at < last; at += 1) {
      const identified = this.#identified[at] ?? (await this.#identify(at));
      if ('outgoing' in identified) found.push(identified.outgoing);
      else if (!isFaultOfInput(identified.error)) break;
    }
    return found;
  }

  #identify(at: number): Identified | Promise<Identified> {
    const { engine, pipeline, admission } = this.#means;
    const { event, id, traceparent } = this.#events[at] as InletEvent;
    const done = (identified: Identified) => {
      this.#identified[at] = identified;
      return identified;
    };
    try {
      const identified = identify(engine, pipeline, event, { id, traceparent });
      if (!(identified instanceof Promise)) return done({ outgoing: identified });
      const answered = identified.then((outgoing) => {
        admission.answered(pipeline);
        return done({ outgoing });
      });
      return answered.catch((error: unknown) => done({ error }));
    } catch (error) {
      return done({ error });
    }
  }
}
