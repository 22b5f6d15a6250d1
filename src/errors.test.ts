import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorTable } from './errors.ts';

const documentation = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');

test('docs/errors.md has an entry for every error, in the order of the table, and no others', () => {
  const documented = Array.from(documentation.matchAll(/^## (\w+)$/gm), ([, code]) => code);
  assert.deepEqual(documented, Object.keys(errorTable));
});

test('docs/errors.md gives title, status and retryability as in the table', () => {
  for (const [code, { title, status, retryable }] of Object.entries(errorTable)) {
    const entry = `## ${code}\n\n${title}. HTTP ${status}, ${retryable ? 'retryable' : 'not retryable'}.\n`;
    assert.ok(documentation.includes(entry), `expected ${JSON.stringify(entry)}`);
  }
});
