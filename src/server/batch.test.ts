import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Judged } from '../engine/door.ts';
import { MillraceError } from '../errors.ts';
import { answerBatch } from './batch.ts';

const accepted: Judged = { status: 'accepted', id: 'a' };
const duplicate: Judged = { status: 'duplicate', id: 'd' };
const rejected = (error: MillraceError): Judged => ({ status: 'rejected', error });
const invalid = rejected(new MillraceError('MILL_INVALID_EVENT', 'bad', { issues: [{ path: 'type', message: 'unknown' }] }));
const full = rejected(new MillraceError('MILL_BACKLOG_FULL', 'the backlog is full', { retryAfterMs: 1_000 }));

test('a batch is answered with what became of each event', () => {
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

test('a batch of nothing but duplicates is a success', () => {
  assert.equal(answerBatch([duplicate, duplicate], 'events').duplicates, 2);
});

test('a batch without a valid event fails with the issues of all, placed in the body', () => {
  const issues = (path: string) => ({
    code: 'MILL_INVALID_EVENT',
    issues: [0, 1].map((at) => ({ path: `${path}[${at}].type`, message: 'unknown' })),
  });
  assert.throws(() => answerBatch([invalid, invalid], 'events'), issues('events'));
  assert.throws(() => answerBatch([invalid, invalid], ''), issues(''));
});

test('a batch that was turned away for want of room fails so that the sender tries again', () => {
  assert.throws(() => answerBatch([invalid, full], 'events'), { code: 'MILL_BACKLOG_FULL', retryAfterMs: 1_000 });
});
