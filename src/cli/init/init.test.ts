import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { summaryOf } from './next-steps.ts';
import { packageName } from './package-name.ts';
import { projectFiles } from './project-files.ts';
import { checkIsEmpty, writeProject } from './write-project.ts';

const files = projectFiles({ name: 'shop', language: 'typescript' });

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-init-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a folder with any name yields a name that npm and Docker accept', () => {
  const names = ['shop', 'My Shop!', 'Café', '--x--', '..', 'ショップ', 'zod', 'TypeScript', 'millrace', 'a__b'].map((name) =>
    packageName(`/home/${name}`),
  );
  assert.deepEqual(names, ['shop', 'my-shop', 'cafe', 'x', 'my-millrace', 'my-millrace', 'my-zod', 'my-typescript', 'my-millrace', 'a-b']);
});

test('a half-written project is completed, and existing files are kept', (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/visits.ts'), 'mine');
  writeFileSync(join(folder, 'package.json.partial'), '{"na');
  assert.deepEqual(writeProject(folder, files), ['src/visits.ts']);
  assert.equal(readFileSync(join(folder, 'src/visits.ts'), 'utf8'), 'mine');
  assert.equal(readFileSync(join(folder, 'package.json'), 'utf8'), files['package.json']);
  assert.deepEqual(
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.partial')),
    [],
  );
});

test('a folder or a dangling link in the place of a file is named', (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('nowhere', join(folder, 'link'));
  assert.throws(() => checkIsEmpty(join(folder, 'file')), UsageError);
  for (const target of ['file/below', 'link'])
    assert.throws(
      () => writeProject(join(folder, target), files),
      new RegExp(`${target}: expected a folder, found a file or a broken link`),
    );
  mkdirSync(join(folder, 'taken'));
  writeFileSync(join(folder, 'taken/src'), '');
  assert.throws(() => writeProject(join(folder, 'taken'), files), UsageError);
});

test('the guide begins with the files that were written', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/start.md'), 'utf8');
  for (const path of ['src/visits.ts', 'test/visits.test.ts'])
    assert.ok(guide.includes(`\`${path}\`:\n\n\`\`\`ts\n${files[path]}\`\`\``), path);
});

test('the next steps can be pasted into a shell, and also start a project that already had a package.json', () => {
  const of = (folder: string, kept: readonly string[] = [], isBesideOther = false) =>
    summaryOf({ folder, files: Object.keys(files), kept, isBesideOther });
  assert.match(of('shop'), /^ {2}cd shop\n {2}npm install && npm start/m);
  assert.match(of("Ann's shop"), /^ {2}cd 'Ann'\\''s shop'$/m);
  assert.match(of('-x'), /^ {2}cd \.\/-x$/m);
  assert.doesNotMatch(of('.'), /^ {2}cd/m);
  assert.match(of('.', Object.keys(files)), /^All files already exist in this folder\.\n\nNext:\n {2}npm install && npm start/);
  const beside = of('.', ['package.json', 'README.md'], true);
  assert.match(beside, /^Kept existing files: package\.json, README\.md$/m);
  assert.match(
    beside,
    /^ {2}npm install millrace zod\n {2}npx millrace serve --watch \.\/src\/visits\.ts\n {2}node --test test\/visits\.test\.ts$/m,
  );
});
