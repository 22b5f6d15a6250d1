import assert from 'node:assert/strict';
import test from 'node:test';
import type { OutgoingCall } from '../../src/index.ts';
import { judgeProvider } from './provider.ts';
import { sandboxProvider } from './sandbox.ts';

const judge = (status: number, body = '', headers: Readonly<Record<string, string>> = {}) => judgeProvider({ status, headers, body });

test('an answer with an id for the message means delivered', () => {
  const body = '{ "message": "Accepted", "messageId": "67f2f8a8-ea58-4ed0-a6f9-ff217df4d849" }';
  const answer = { messageId: '67f2f8a8-ea58-4ed0-a6f9-ff217df4d849', rawResponse: body };
  for (const status of [200, 202, 299]) assert.deepEqual(judge(status, body), { result: 'delivered', answer });
});

for (const [id, messageId] of [
  ['748213377', '748213377'],
  ['1405478888888888901', '1405478888888888901'],
  ['-7', '-7'],
  ['0', '0'],
  ['1.50', '1.50'],
  ['1e400', '1e400'],
  ['"007"', '007'],
  ['" x "', ' x '],
] as const) {
  test(`the id ${id} is kept exactly as written`, () => {
    const body = `{"nested":{"messageId":5},"messageId": ${id} }`;
    assert.deepEqual(judge(202, body), { result: 'delivered', answer: { messageId, rawResponse: body } });
  });
}

test('an id is found among any other contents', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const answer = judge(202, `{"deep":${deep},"messageId":"m-1"}`);
  assert.equal(answer.result === 'delivered' && Object(answer.answer).messageId, 'm-1');
  const numbered = judge(202, `{"deep":${deep},"messageId":5}`);
  assert.equal(numbered.result === 'delivered' && Object(numbered.answer).messageId, '5');
});

test('an incomplete success answer leaves open whether the message was accepted', () => {
  const response = { status: 202, headers: {}, body: '{"messageId":"m-1"}', bodyFault: 'breaks off (timed out)' };
  assert.deepEqual(judgeProvider(response), {
    result: 'unknown',
    reason: 'status 202, whose body breaks off (timed out)',
    answer: { rawResponse: response.body },
  });
  assert.equal(judgeProvider({ ...response, status: 400 }).result, 'refused');
  assert.equal(judgeProvider({ ...response, status: 503 }).result, 'failed');
});

test('without an id nothing proves acceptance, and asking again would prove no more', () => {
  for (const [body, found] of [
    ['', 'something else'],
    ['Accepted', 'something else'],
    ['{}', 'none'],
    ['null', 'none'],
    ['["messageId"]', 'none'],
    ['{"messageId":" "}', 'none'],
    ['{"messageId":""}', 'none'],
    ['{"messageId":"\\t\\n"}', 'none'],
    ['{"messageId":true}', 'none'],
    ['{"messageId":null}', 'none'],
    ['{"messageId":[5]}', 'none'],
    ['{"messageId":{"source":"5"}}', 'none'],
    ['{"MessageID":5}', 'none'],
    ['5', 'none'],
  ] as const) {
    const answer = judge(200, body);
    assert.ok(answer.result === 'refused' && answer.reason.endsWith(`found ${found}`), body);
    assert.deepEqual(answer.answer, { rawResponse: body });
  }
});

test('a caller’s fault is refused, and a temporary failure is retried, not before the provider allows', () => {
  for (const status of [301, 302, 307, 400, 401, 403, 404, 410, 422]) assert.equal(judge(status).result, 'refused', String(status));
  for (const status of [408, 429, 500, 502, 503, 504, 599]) assert.equal(judge(status).result, 'failed', String(status));
  const answer = judge(503, 'later', { 'retry-after': '7' });
  assert.deepEqual(answer, { result: 'failed', reason: 'status 503', retryAfterMs: 7_000, answer: { rawResponse: 'later' } });
});

test('the sandbox accepts everything, and a repeated call gets the answer of the first', async () => {
  const sandbox = sandboxProvider();
  const { signal } = new AbortController();
  const call = (id: string) => {
    const made: OutgoingCall = {
      id,
      pipeline: 'messages',
      endpoint: 'sms',
      key: id,
      body: '{}',
      url: undefined,
      attempt: 1,
      askedAt: 0,
      traceparent: undefined,
    };
    return sandbox.call(made, signal);
  };
  const [one, again, other] = await Promise.all([call('one'), call('one'), call('other')]);
  assert.equal(one.result, 'delivered');
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, other);
});
