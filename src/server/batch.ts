import * as z from 'zod';
import { describeFound } from '../describe-found.ts';
import type { Judged } from '../engine/door.ts';
import { type Issue, MillraceError } from '../errors.ts';
import { invalid } from '../pipeline/check.ts';

const BatchResult = z.object({
  index: z.int(),
  id: z.string().optional(),
  status: z.enum(['accepted', 'duplicate', 'rejected']),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** What a batch of events is answered with, for the docs. */
export const BatchAnswer = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
  results: z.array(BatchResult),
});
export type BatchAnswer = z.infer<typeof BatchAnswer>;

/**
 * The answer to a batch that was judged event by event. Throws when every event was rejected, so nothing was stored:
 * the first error that may pass by itself (a full backlog, say), otherwise `MILL_INVALID_EVENT` with the issues of all.
 *
 * @param path where the events stand in the body: `events` for `{"events":[…]}`, empty for an array.
 */
export function answerBatch(judged: readonly Judged[], path: string): BatchAnswer {
  if (!areVerdicts(judged)) invalid(`answerBatch: expected what ingestBatch returned, found ${describeFound(judged)}`);
  const counts = { accepted: 0, duplicate: 0, rejected: 0 };
  for (const { status } of judged) counts[status] += 1;
  const { accepted, duplicate: duplicates, rejected } = counts;
  if (rejected === judged.length) throw rejectionOf(judged, path);
  return { accepted, duplicates, rejected, results: judged.map(toResult) };
}

function areVerdicts(judged: unknown): boolean {
  return Array.isArray(judged) && judged.every((one: unknown) => typeof one === 'object' && one !== null && 'status' in one);
}

function toResult(judged: Judged, index: number): BatchAnswer['results'][number] {
  if (judged.status === 'rejected') return { index, status: judged.status, errors: [...issuesOf(judged.error)] };
  return { index, id: judged.id, status: judged.status };
}

function rejectionOf(judged: readonly Judged[], path: string): MillraceError {
  const errors = judged.flatMap((one) => (one.status === 'rejected' ? [one.error] : []));
  const passing = errors.find((error) => error.status >= 500);
  if (passing !== undefined) return passing;
  const issues = errors.flatMap((error, index) => issuesOf(error).map((issue) => within(`${path}[${index}]`, issue)));
  return new MillraceError('MILL_INVALID_EVENT', `expected at least one valid event, found none in ${judged.length}`, { issues });
}

/** An error without issues is itself the issue. */
function issuesOf(error: MillraceError): readonly Issue[] {
  return error.issues.length > 0 ? error.issues : [{ path: '', message: error.message }];
}

function within(place: string, { path, message }: Issue): Issue {
  return { path: path === '' || path.startsWith('[') ? `${place}${path}` : `${place}.${path}`, message };
}
