import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Judged } from '../engine/verdicts.ts';
import { MillraceError } from '../errors.ts';
import { answerBatch } from './batch.ts';

const accepted: Judged = { status: 'accepted', id: 'a' };
const duplicate: Judged = { status: 'duplicate', id: 'd' };
const rejected = (error: MillraceError): Judged => ({ status: 'rejected', error });
const invalid = rejected(new MillraceError('MILL_INVALID_EVENT', 'bad', { issues: [{ path: 'type', message: 'unknown' }] }));
const full = rejected(new MillraceError('MILL_BACKLOG_FULL', 'the backlog is full', { retryAfterMs: 1_000 }));

test('the answer to a batch has a verdict for each event', () => {
  assert.deepEqual(answerBatch([accepted, invalid, duplicate, full], 'events'), {
    accepted: 1,
    duplicates: 1,
    rejected: 2,
    results: [
      { index: 0, id: 'a', status: 'accepted' },
      { index: 1, status: 'rejected', errors: [{ path: 'type', message: 'unknown' }] },
      { index: 2, id: 'd', status: 'duplicate' },
      { index: 3, status: 'rejected', errors: [{ path: '', message: 'the backlog is full' }] },
    ],
  });
});

test('a batch consisting only of duplicates succeeds', () => {
  assert.equal(answerBatch([duplicate, duplicate], 'events').duplicates, 2);
});

test('a batch without a valid event fails with the issues of all events, placed in the body', () => {
  const issues = (path: string) => ({
    code: 'MILL_INVALID_EVENT',
    issues: [0, 1].map((at) => ({ path: `${path}[${at}].type`, message: 'unknown' })),
  });
  assert.throws(() => answerBatch([invalid, invalid], 'events'), issues('events'));
  assert.throws(() => answerBatch([invalid, invalid], ''), issues(''));
});

test('a batch refused for lack of room fails so that the sender retries', () => {
  assert.throws(() => answerBatch([invalid, full], 'events'), { code: 'MILL_BACKLOG_FULL', retryAfterMs: 1_000 });
});

test('for a batch with a large number of issues the answer shows the first hundred, then one per event, and the total', () => {
  const issues = Array.from({ length: 60 }, (_, at) => ({ path: `rows[${at}]`, message: 'unknown' }));
  const many = rejected(new MillraceError('MILL_INVALID_EVENT', 'bad', { issues, issueCount: 5_000 }));
  const { results } = answerBatch([accepted, many, many, many, invalid], 'events');
  assert.deepEqual(
    results.map(({ errors, errorCount }) => [errors?.length, errorCount]),
    [
      [undefined, undefined],
      [60, 5_000],
      [40, 5_000],
      [1, 5_000],
      [1, undefined],
    ],
  );
  assert.throws(
    () => answerBatch([many, many, invalid], 'events'),
    (error: MillraceError) => {
      assert.deepEqual([error.issues.length, error.issueCount], [100, 10_001]);
      assert.equal(error.issues[99]?.path, 'events[1].rows[39]');
      return true;
    },
  );
});

test('after an unexpected failure a batch says only that it is in the log', () => {
  const internal = rejected(new MillraceError('MILL_INTERNAL', 'the password is hunter2'));
  const [, result] = answerBatch([accepted, internal], 'events').results;
  assert.deepEqual(result?.errors, [{ path: '', message: "an unexpected error occurred; see the server's log" }]);
});
