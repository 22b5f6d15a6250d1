import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { faces as provided } from '../src/provide-millrace.ts';
import { faces } from './faces.ts';
import { checkout } from './program.ts';

const specifiers = faces.map(({ specifier }) => specifier);

test('each entry point of the package is an existing file', () => {
  assert.deepEqual(specifiers, ['millrace', 'millrace/server', 'millrace/store', 'millrace/testing']);
  for (const { source } of faces) assert.ok(existsSync(join(checkout, source)), source);
});

test('a served module gets every entry point, and a checkout compiles with them', () => {
  assert.deepEqual(provided, specifiers);
  const { compilerOptions } = JSON.parse(readFileSync(join(checkout, 'tsconfig.json'), 'utf8'));
  assert.deepEqual(compilerOptions.paths, Object.fromEntries(faces.map(({ specifier, source }) => [specifier, [`./${source}`]])));
});

test('an export that two entry points share is the same thing', async () => {
  const exported = new Map<string, unknown>();
  for (const { source } of faces) {
    for (const [name, value] of Object.entries(await import(pathToFileURL(join(checkout, source)).href))) {
      if (exported.has(name)) assert.equal(value, exported.get(name), name);
      exported.set(name, value);
    }
  }
  assert.ok(exported.has('MillraceError') && exported.has('createServer'));
});
