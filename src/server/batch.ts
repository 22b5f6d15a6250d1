import * as z from 'zod';
import { describeFound } from '../describe-found.ts';
import type { Judged } from '../engine/verdicts.ts';
import { type Issue, MillraceError } from '../errors.ts';
import { invalid } from '../pipeline/check.ts';
import { type Issues, issuesMax } from '../pipeline/issues.ts';
import { detailOf } from './problem.ts';

const BatchResult = z.object({
  index: z.int(),
  id: z.string().optional(),
  status: z.enum(['accepted', 'duplicate', 'rejected']),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  errorCount: z.int().optional().meta({ description: 'Total number of errors, if `errors` does not hold all of them' }),
});

/** The answer to a batch of events, for the docs. */
export const BatchAnswer = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
  results: z.array(BatchResult),
});
export type BatchAnswer = z.infer<typeof BatchAnswer>;

/**
 * Returns the answer to a batch judged event by event. Throws if every event was rejected and so nothing was stored: the first error that
 * may be temporary (a full backlog, say), otherwise `MILL_INVALID_EVENT` with the first issues of all.
 *
 * @param path the place of the events in the body: `events` for `{"events":[…]}`, empty for an array.
 */
export function answerBatch(judged: readonly Judged[], path: string): BatchAnswer {
  if (!areVerdicts(judged)) invalid(`answerBatch: expected the result of ingestBatch, found ${describeFound(judged)}`);
  const counts = { accepted: 0, duplicate: 0, rejected: 0 };
  for (const { status } of judged) counts[status] += 1;
  const { accepted, duplicate: duplicates, rejected } = counts;
  if (rejected === judged.length) throw rejectionOf(judged, path);
  return { accepted, duplicates, rejected, results: resultsOf(judged) };
}

function areVerdicts(judged: unknown): boolean {
  return Array.isArray(judged) && judged.every((one: unknown) => typeof one === 'object' && one !== null && 'status' in one);
}

/** Shows as many issues as for a single event, and beyond that the first issue of each event. */
function resultsOf(judged: readonly Judged[]): BatchAnswer['results'] {
  let room = issuesMax;
  return judged.map((one, index) => {
    if (one.status !== 'rejected') return { index, id: one.id, status: one.status };
    const { issues, issueCount } = issuesOf(one.error);
    const errors = issues.slice(0, Math.max(1, room));
    room -= errors.length;
    return { index, status: one.status, errors, ...(issueCount > errors.length && { errorCount: issueCount }) };
  });
}

function rejectionOf(judged: readonly Judged[], path: string): MillraceError {
  const errors = judged.flatMap((one) => (one.status === 'rejected' ? [one.error] : []));
  const passing = errors.find((error) => error.status >= 500);
  if (passing !== undefined) return passing;
  const issues: Issue[] = [];
  let issueCount = 0;
  for (const [index, error] of errors.entries()) {
    const found = issuesOf(error);
    issueCount += found.issueCount;
    for (const issue of found.issues.slice(0, issuesMax - issues.length)) issues.push(within(`${path}[${index}]`, issue));
  }
  const message = `expected at least one valid event, found none in ${judged.length}`;
  return new MillraceError('MILL_INVALID_EVENT', message, { issues, issueCount });
}

/** An error without issues is itself the issue. */
function issuesOf(error: MillraceError): Issues {
  return error.issues.length > 0 ? error : { issues: [{ path: '', message: detailOf(error) }], issueCount: 1 };
}

function within(place: string, { path, message }: Issue): Issue {
  return { path: path === '' || path.startsWith('[') ? `${place}${path}` : `${place}.${path}`, message };
}
