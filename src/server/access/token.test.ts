import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, lineOf, newSecret, parseTokens, type Token } from './token.ts';

const token = (changes: Partial<Token> = {}): Token => ({
  name: 'ci',
  role: 'ingest',
  digest: digestOf(newSecret()),
  pipelines: undefined,
  ...changes,
});

test('a line represents its token', () => {
  for (const one of [token(), token({ role: 'read', pipelines: new Set(['rockets', 'events']) })])
    assert.deepEqual(parseTokens(lineOf(one), 'x'), [one]);
});

test('lines are separated by newlines or commas, with comments and blanks around them', () => {
  const tokens = [token({ name: 'a' }), token({ name: 'b' }), token({ name: 'c' })];
  const [a, b, c] = tokens.map(lineOf);
  assert.deepEqual(parseTokens(`# who\r\n  ${a} ,${b}\n\n${c} # until June, then out\r\n`, 'x'), tokens);
  assert.deepEqual(parseTokens(' \n# none\n', 'x'), []);
});

const hex = 'ab'.repeat(32);
const wrong: readonly (readonly [string, RegExp])[] = [
  ['a-secret-in-the-wrong-place', /expected NAME:ROLE:SHA256/],
  [`ci:ingest:${hex}:rockets:more`, /expected NAME:ROLE:SHA256/],
  [`c i:ingest:${hex}`, /expected a name/],
  [`:ingest:${hex}`, /expected a name/],
  [`ci:admin:${hex}`, /one of the roles ingest, read, operate/],
  [`ci:ingest:${hex.slice(1)}`, /64 hexadecimal digits/],
  [`ci:ingest:${hex}:`, /pipeline names/],
  [`ci:ingest:${hex}:Rockets`, /pipeline names/],
  [`ci:ingest:${hex},b:read:${hex.toUpperCase()}`, /token 2: expected a secret of its own/],
];

for (const [line, message] of wrong) {
  test(`an invalid line is refused, and not shown: ${line.slice(0, 30)}`, () => {
    assert.throws(
      () => parseTokens(line, 'MILLRACE_TOKENS'),
      (error: Error) => message.test(error.message) && error.message.startsWith('MILLRACE_TOKENS: token ') && !error.message.includes(line),
    );
  });
}

test('secrets are long, and all different', () => {
  const secrets = Array.from({ length: 1_000 }, newSecret);
  assert.equal(new Set(secrets).size, 1_000);
  for (const secret of secrets) assert.match(secret, /^millrace_[\w-]{43}$/);
});
