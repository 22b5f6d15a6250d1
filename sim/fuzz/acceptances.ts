import * as z from 'zod';
import type { Answer } from './answers.ts';
import type { Asked } from './attempt.ts';
import { jsonOf } from './judge.ts';

/** The engine's own pipeline, whose events are commands to schedules. */
export const schedulesPipeline = 'millrace_schedules';

/** The number of events that must be stored, according to the answers. */
export interface Expected {
  /** Events answered as accepted. */
  count: number;
  /** Events of unanswered requests: each may be stored or not. */
  perhaps: number;
}

/** The required contents of a pipeline's log. */
export interface Accepted {
  readonly plain: Expected;
  /** The marked events. */
  readonly marked: Expected;
  /** Ids from answers or requests: an event's id, or a key as `key:…`. */
  readonly ids: Set<string>;
}

const One = z.object({ status: z.enum(['accepted', 'duplicate']), id: z.string().optional() });
const Batch = z.object({ accepted: z.int(), results: z.array(z.object({ status: z.string(), id: z.string().optional() })) });
const Row = z.object({ id: z.string(), status: z.literal('PENDING') });

const pipelineByPath: Readonly<Record<string, string>> = {
  '/messages': 'rockets',
  '/events': 'events',
  '/events/batch': 'events',
  '/accounts': 'accounts',
  '/messages/pending': 'messages',
  '/workers/messages': 'workers',
  '/scheduler': schedulesPipeline,
  '/pipelines/{pipeline}/schedule': schedulesPipeline,
};
/** Routes that store nothing in a log when they succeed. */
const storingNothing: ReadonlySet<string> = new Set([
  '/dead-letters/redrive',
  '/dead-letters/discard',
  '/operations/{id}/undo',
  '/operations/{id}/stop',
  '/pipelines/{pipeline}/keys/{key}/park',
  '/pipelines/{pipeline}/keys/{key}/skip-gap',
  '/pipelines/{pipeline}/keys/{key}/deliveries/{endpoint}/{id}/send',
  '/pipelines/{pipeline}/keys/{key}/deliveries/{endpoint}/{id}/withdraw',
  '/dead-letters/{id}/redrive',
  '/dead-letters/{id}/discard',
  '/pipelines/{pipeline}/deliveries/{endpoint}/withdraw',
  '/pipelines/{pipeline}/pause',
  '/pipelines/{pipeline}/resume',
  '/pipelines/{pipeline}/keys/{key}/resume',
  '/pipelines/{pipeline}/events/discard',
  '/pipelines/{pipeline}/dead-letters/discard',
]);

/** Adds up what the server claims to have stored. */
export class Acceptances {
  readonly #byPipeline = new Map<string, Accepted>();

  of(pipeline: string): Accepted {
    const known = this.#byPipeline.get(pipeline);
    if (known !== undefined) return known;
    const accepted = { plain: { count: 0, perhaps: 0 }, marked: { count: 0, perhaps: 0 }, ids: new Set<string>() };
    this.#byPipeline.set(pipeline, accepted);
    return accepted;
  }

  /** The total of all pipelines. */
  get total(): Expected {
    const all = [...this.#byPipeline.values()].flatMap(({ plain, marked }) => [plain, marked]);
    return all.reduce((sum, { count, perhaps }) => ({ count: sum.count + count, perhaps: sum.perhaps + perhaps }));
  }

  /** Counts a request and its answer, undefined if there was none. Returns a fault, if any. */
  note({ method, path, pipeline: named, eventsMax, isMarked = false }: Asked, answer: Answer | undefined): string | undefined {
    if (method !== 'POST') return undefined;
    const pipeline = pipelineByPath[path] ?? named;
    // Commands to schedules have no text to mark.
    const part = isMarked && pipeline !== schedulesPipeline ? 'marked' : 'plain';
    if (answer === undefined) {
      if (pipeline !== undefined) this.of(pipeline)[part].perhaps += eventsMax;
      return undefined;
    }
    if (answer.status >= 300 || storingNothing.has(path)) return undefined;
    if (pipeline === undefined) return `expected ${method} ${path} to accept nothing, found ${answer.status}`;
    const ids = pipeline === schedulesPipeline ? [''] : acceptedIn(answer);
    if (ids === undefined) return `expected an answer that says what was stored, found ${answer.body.toString().slice(0, 300)}`;
    const accepted = this.of(pipeline);
    accepted[part].count += ids.length;
    for (const id of ids) if (id !== '') accepted.ids.add(id);
    return undefined;
  }
}

/**
 * Returns the ids of the events that an answer reports as accepted, empty for one without an id; undefined if it reports none.
 */
function acceptedIn({ body }: Answer): string[] | undefined {
  const json = jsonOf(body);
  const row = Row.safeParse(json).data;
  if (row !== undefined) return [`key:${row.id}`];
  const one = One.safeParse(json).data;
  const results = one === undefined ? Batch.safeParse(json).data?.results : [one];
  return results?.filter(({ status }) => status === 'accepted').map(({ id = '' }) => id);
}
