import assert from 'node:assert/strict';
import test from 'node:test';
import { faultOfMessage, NewMessage } from './message.ts';

const issuesOf = (body: unknown) =>
  NewMessage.safeParse(body).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

test('a message has a recipient of 1 to 20 and a content of 1 to 255 characters, however many bytes each takes', () => {
  for (const message of [
    { to: '+905551111111', content: 'Hello' },
    { to: '🚀'.repeat(20), content: '🚀'.repeat(255) },
    { to: ' 1 ', content: '\nx' },
  ]) {
    assert.deepEqual(NewMessage.parse({ ...message, status: 'SUCCESS' }), message);
    assert.equal(faultOfMessage(message), undefined);
  }
});

test('anything else is refused, with its faults and their places', () => {
  for (const [body, ...issues] of [
    [
      { to: '1'.repeat(21), content: '🚀'.repeat(256) },
      'to: expected at most 20 characters, found 21',
      'content: expected at most 255 characters, found 256',
    ],
    [
      { to: '', content: ' \t\n\u00a0' },
      'to: expected 1 to 20 characters, found none',
      'content: expected 1 to 255 characters, found only blanks',
    ],
    [{ to: 5 }, 'to: expected a text of 1 to 20 characters', 'content: expected a text of 1 to 255 characters'],
    [{ to: '1', content: '\ud800' }, 'content: expected well-formed Unicode, found half of a surrogate pair'],
  ] as const) {
    assert.deepEqual(issuesOf(body), issues);
  }
});

test('a row that cannot be sent gets one reason', () => {
  assert.equal(faultOfMessage({ to: ' ', content: '' }), 'to: expected 1 to 20 characters, found only blanks');
  assert.equal(faultOfMessage({ to: '1', content: null }), 'content: expected at most 255 characters, found far more');
});
