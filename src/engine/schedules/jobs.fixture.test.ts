import assert from 'node:assert/strict';
import * as z from 'zod';
import type { Duration } from '../../pipeline/duration.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { RetryPolicy } from '../../pipeline/pipeline-options.ts';
import type { Source } from '../../pipeline/schedule.ts';
import { table } from '../../pipeline/table.ts';
import { type TableSourceOptions, tableSource } from '../../sources/table-source.ts';
import type { DeadLetter } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { failing } from '../promises/fixture.test.ts';

export const startAt = Date.UTC(2026, 0, 1);

/** Rows that wait until they are done; `what` decides their fate. */
export const jobs = table(
  'jobs',
  { id: 'integer', key: 'text', what: 'text', done: 'integer' },
  { primaryKey: ['id'], defaults: { key: 'k', what: 'good', done: 0 } },
);
export const Job = z.object({ id: z.int(), key: z.string(), what: z.string().max(10, 'expected a short word') });
type Job = z.infer<typeof Job>;

export interface JobsOptions {
  readonly schedule?: {
    readonly batch?: number;
    readonly concurrency?: number;
    readonly timeout?: Duration;
    readonly source?: Source<Job>;
  };
  readonly source?: Partial<TableSourceOptions<typeof jobs, Job, Job>>;
  readonly pipeline?: {
    readonly key?: (job: Job) => string;
    readonly id?: (job: Job) => string;
    readonly order?: { readonly by: (job: Job) => number; readonly gap?: { readonly skipAfter: Duration } };
    readonly retry?: RetryPolicy;
    readonly onGiveUp?: 'park' | 'skip';
    readonly timeout?: Duration;
  };
  /** True to make every job its own, unnamed key. */
  readonly isKeyless?: boolean;
  readonly handle?: (job: Job, attempt: number) => void | Promise<void>;
}

/**
 * A pipeline over the table that takes two rows every minute and retries nothing, and what its handler saw, in order. Until `isMended`, the
 * schema refuses `long`, `throw` makes `event()` throw, and `fail` makes the handler throw.
 */
export function jobsPipeline(options: JobsOptions = {}) {
  const seen: number[] = [];
  const world = { isMended: false };
  const work = pipeline('work', {
    event: Job,
    ...(options.isKeyless ? {} : { key: ({ id }: Job) => String(id) }),
    tables: { jobs },
    retry: { attempts: 1 },
    schedule: {
      every: '1m',
      batch: 2,
      source: tableSource(jobs, {
        rows: (query) => query.select(['id', 'key', 'what']).where('done', '=', 0).orderBy('id'),
        event: ({ id, key, what }) => {
          if (what === 'throw' && !world.isMended) failing();
          return { id, key, what: what === 'long' && !world.isMended ? 'a text that is too long' : what };
        },
        ...options.source,
      }),
      ...options.schedule,
    },
    handle(job, _state, turn) {
      seen.push(job.id);
      if (job.what === 'fail' && !world.isMended) failing();
      const done = () => turn.update(jobs, { id: job.id, done: 1 });
      const waiting = options.handle?.(job, turn.attempt);
      return waiting instanceof Promise ? waiting.then(done) : done();
    },
    ...options.pipeline,
  });
  return { pipelines: [work, writer], seen, world };
}

const writer = pipeline('writer', {
  event: z.object({ id: z.int(), key: z.string().default('k'), what: z.string().default('good'), done: z.int().default(0) }),
  tables: { jobs },
  handle: (job, _state, turn) => turn.put(jobs, job),
});

/** Adds jobs, numbered from 1. */
export async function add(t: TestMill, ...whats: string[]): Promise<void> {
  await t.ingestBatch(
    'writer',
    whats.map((what, at) => ({ id: at + 1, what })),
  );
  await t.drain();
}

export async function done(t: TestMill): Promise<readonly number[]> {
  const rows = await t.rows(jobs);
  return rows
    .filter((row) => row.done === 1)
    .map(({ id }) => id)
    .sort((a, b) => a - b);
}

/** The dead letters as `key: reason`, in order. */
export async function letters(t: TestMill): Promise<readonly string[]> {
  return (await t.deadLetters('work')).map(({ key, reason }) => `${key}: ${reason}`).toSorted();
}

export async function letterOf(t: TestMill, id: number): Promise<DeadLetter> {
  const origin = JSON.stringify({ table: 'jobs', key: { id } });
  return (await t.deadLetters('work')).find((letter) => originOf(letter) === origin) ?? assert.fail(`no dead letter of job ${id}`);
}

/** The origin of a dead letter: the source's input, whether or not it became an event. */
export function originOf(letter: DeadLetter): string | null {
  return 'origin' in letter ? letter.origin : null;
}

/** The counts of the pipeline, which must add up at rest. */
export function counts(t: TestMill) {
  const { received = 0, processed = 0, failed = 0, deadLetters = 0, rejected = 0 } = t.mill.counts().work ?? {};
  assert.ok(processed + failed <= received);
  return { received, processed, failed, deadLetters, rejected };
}
