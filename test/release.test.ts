import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { checkout, temporaryFolder } from './program.ts';
import { releaseFaults } from './release-faults.ts';

test('a release has one version everywhere, a section in the changelog and an upgrade note', (context) => {
  const folder = temporaryFolder(context);
  for (const file of ['package.json', 'package-lock.json', 'create-millrace/package.json', 'CHANGELOG.md', 'docs/upgrading.md']) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(checkout, file), join(folder, file));
  }
  const edit = (file: string, from: string | RegExp, to: string) =>
    writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8').replace(from, to));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  edit('CHANGELOG.md', /^## \[.+\].*$/m, `## [${version}] - 2026-12-24`);
  assert.deepEqual(releaseFaults(folder), []);
  edit('create-millrace/package.json', `"version": "${version}"`, '"version": "0.0.1"');
  edit('docs/upgrading.md', `## ${version}`, '## 0.0.1');
  edit('CHANGELOG.md', `[${version}]`, '[Unreleased]');
  assert.deepEqual(releaseFaults(folder), [
    `create-millrace/package.json: expected ${version}, found 0.0.1`,
    `CHANGELOG.md: expected ${version} as the first version`,
    `docs/upgrading.md: expected a section ${version}`,
  ]);
});
