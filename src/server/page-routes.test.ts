import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, newSecret } from './access/token.ts';
import { Tokens } from './access/tokens.ts';
import { serve } from './fixture.test.ts';
import { readPage } from './page-files.ts';

test('the page is open to anybody, runs no inline code, and is cached by browsers as long as it does not change', async (t) => {
  if ((await readPage()) === undefined) return t.skip('the page is not built');
  const tokens = new Tokens([{ name: 'ann', role: 'read', digest: digestOf(newSecret()), pipelines: undefined }]);
  const { url } = await serve(t, { access: { tokens } });
  const response = await fetch(url);
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(response.headers.get('cache-control'), 'no-cache');
  const policy = response.headers.get('content-security-policy') ?? '';
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.doesNotMatch(policy, /unsafe/);
  const etag = response.headers.get('etag') ?? '';
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304);
  const files = Array.from((await response.text()).matchAll(/(?:src|href)="(\/page\/[^"]+)"/g), ([, path = '']) => path);
  assert.ok(files.length >= 2, String(files));
  for (const path of files) {
    const file = await fetch(`${url}${path}`, { headers: { 'accept-encoding': 'br' } });
    assert.equal(file.status, 200, path);
    assert.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(file.headers.get('content-encoding'), 'br');
    assert.ok((await file.text()).length > 0);
  }
  assert.equal((await fetch(`${url}/page/..%2f..%2fpackage.json`)).status, 404);
});
