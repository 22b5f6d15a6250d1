import * as z from 'zod';
import type { Answer } from './answers.ts';
import type { Asked } from './attempt.ts';
import { jsonOf } from './judge.ts';

/** The engine's own pipeline, in which commands to schedules are events. */
export const schedulesPipeline = 'millrace_schedules';

/** What has to be in the log of a pipeline, as far as the answers tell. */
export interface Accepted {
  /** Events that were answered as accepted. */
  count: number;
  /** The ids of those whose answers or requests have one: of an event, or (`key:…`) of a key. */
  readonly ids: Set<string>;
  /** Events of requests that were not answered: each may be stored or not. */
  perhaps: number;
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
/** They store nothing in a log when they succeed. */
const storingNothing: ReadonlySet<string> = new Set(['/dead-letters/{id}/redrive', '/dead-letters/{id}/discard']);

/** Adds up what the server said that it has stored. */
export class Acceptances {
  readonly #byPipeline = new Map<string, Accepted>();

  of(pipeline: string): Accepted {
    const known = this.#byPipeline.get(pipeline);
    if (known !== undefined) return known;
    const accepted = { count: 0, ids: new Set<string>(), perhaps: 0 };
    this.#byPipeline.set(pipeline, accepted);
    return accepted;
  }

  /** Events that were answered as accepted, of all pipelines. */
  get total(): number {
    return [...this.#byPipeline.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** Counts a request and its answer, undefined when there was none. Answers with what is wrong, if it is. */
  note({ method, path, pipeline: named, eventsMax }: Asked, answer: Answer | undefined): string | undefined {
    if (method !== 'POST') return undefined;
    const pipeline = pipelineByPath[path] ?? named;
    if (answer === undefined) {
      if (pipeline !== undefined) this.of(pipeline).perhaps += eventsMax;
      return undefined;
    }
    if (answer.status >= 300 || storingNothing.has(path)) return undefined;
    if (pipeline === undefined) return `expected nothing to be taken by ${method} ${path}, found ${answer.status}`;
    return this.#add(this.of(pipeline), pipeline, answer);
  }

  #add(accepted: Accepted, pipeline: string, { body }: Answer): string | undefined {
    const json = jsonOf(body);
    const batch = Batch.safeParse(json).data;
    const row = Row.safeParse(json).data;
    const one = One.safeParse(json).data;
    if (pipeline === schedulesPipeline) accepted.count += 1;
    else if (batch !== undefined) addBatch(accepted, batch.results);
    else if (row !== undefined) addBatch(accepted, [{ status: 'accepted', id: `key:${row.id}` }]);
    else if (one !== undefined) addBatch(accepted, [one]);
    else return `expected an answer that says what was stored, found ${body.toString().slice(0, 300)}`;
    return undefined;
  }
}

function addBatch(accepted: Accepted, results: readonly { readonly status: string; readonly id?: string | undefined }[]): void {
  for (const { status, id } of results) {
    if (status !== 'accepted') continue;
    accepted.count += 1;
    if (id !== undefined) accepted.ids.add(id);
  }
}
