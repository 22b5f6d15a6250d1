import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { faces } from './faces.ts';
import { InstalledPackage, manifestIn } from './installed-package.ts';
import { checkout } from './program.ts';
import { runReadmeProgram, writeReadmeProgram } from './readme-program.ts';
import { unnamedTypes } from './unnamed-types.ts';
import { compilers, nodes, resolutions, strict } from './user-tools.ts';

/** A function exported by each entry point. */
const telling: Readonly<Record<string, string>> = {
  millrace: 'pipeline',
  'millrace/server': 'createServer',
  'millrace/store': 'upTo',
  'millrace/testing': 'testMill',
};

/**
 * The entry points, each with the others that its users import anyway, and with the types whose members matter only to
 * implementers.
 */
const closures: Readonly<Record<string, { readonly beside?: readonly string[]; readonly opaque?: readonly string[] }>> = {
  millrace: { opaque: ['Store'] },
  'millrace/server': { beside: ['millrace'], opaque: ['Store'] },
  'millrace/store': {},
  'millrace/testing': { beside: ['millrace', 'millrace/store'], opaque: ['Store'] },
};

/** A user's program, in `package/`: code that must compile, and, as expected errors, code that must not. */
const program = ['shop.ts', 'try-shop.ts', 'main.ts', 'my-store.ts', 'must-not-compile.ts'];
const readmeProgram = ['readme/main.ts', 'readme/visits.test.ts'];

describe('the published package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  let installed: InstalledPackage;

  before(async () => {
    installed = await InstalledPackage.in(folder);
    for (const file of program) cpSync(join(checkout, 'test/package', file), join(installed.folder, file));
    writeReadmeProgram(join(installed.folder, 'readme'), 'ts');
    useModules('module');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Sets `type` in the user's package.json, which decides the module format of `.ts` files. */
  function useModules(type: 'module' | 'commonjs'): void {
    writeFileSync(join(installed.folder, 'package.json'), JSON.stringify({ private: true, type }));
  }

  /** Returns a compiler's complaints about the files, in the strictest project that a user may have; empty if there are none. */
  function complaints(compiler: string, files: readonly string[], options: object): string {
    const compilerOptions = { ...strict, outDir: 'out', ...options };
    writeFileSync(join(installed.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const words = [join(checkout, 'node_modules', compiler, 'bin/tsc'), '-p', installed.folder, '--pretty', 'false'];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: installed.folder, encoding: 'utf8' });
    assert.equal(status === 0, stdout === '', `the compiler ended with ${status}: ${stderr}`);
    return stdout;
  }

  test('the two compilers have the expected versions', () => {
    const versions = compilers.map(({ folder }) => readFileSync(join(checkout, 'node_modules', folder, 'package.json'), 'utf8'));
    assert.match(versions[0] ?? '', /"version": "5\.9\./);
    assert.match(versions[1] ?? '', /"version": "7\./);
  });

  for (const { name, folder: compiler } of compilers) {
    for (const [resolution, options] of Object.entries(resolutions)) {
      const outDir = `${compiler}-${resolution}`;

      test(`strict programs, including README’s, compile with ${name} and ${resolution}, and errors in them do not`, () => {
        assert.equal(complaints(compiler, [...program, ...readmeProgram], { ...options, outDir }), '');
      });

      for (const { name: running, node, skip } of nodes)
        test(`README’s example and its test, compiled by ${name} with ${resolution}, run on ${running}`, { skip }, () =>
          runReadmeProgram(installed, { node, program: `${outDir}/readme`, ending: 'js' }),
        );
    }
  }

  test('a strict program with CommonJS modules compiles and runs', async () => {
    useModules('commonjs');
    assert.equal(complaints('typescript', program, resolutions.nodenext), '');
    assert.match(await installed.node('--test', 'out/try-shop.js'), /^ℹ pass 2$|^# pass 2$/m);
    useModules('module');
  });

  for (const { specifier: entry } of faces) {
    test(`a program that imports only ${entry} has all types that it names`, () => {
      writeFileSync(join(installed.folder, 'entry.ts'), `export * from '${entry}';\n`);
      assert.equal(complaints('typescript', ['entry.ts'], { ...resolutions.nodenext, types: [] }), '');
    });
  }

  test('no declaration names a module whose types a user does not get', () => {
    for (const options of Object.values(resolutions)) assert.equal(complaints('typescript', installed.declarations, options), '');
  });

  test('every package that a declaration names is a dependency, so no installer hides it', () => {
    const declared = Object.keys(manifestIn(installed.path).dependencies ?? {});
    const named = installed.declarations.flatMap((file) =>
      Array.from(readFileSync(join(installed.folder, file), 'utf8').matchAll(naming), ([, specifier = '']) => ({
        file,
        package: packageOf(specifier),
      })),
    );
    for (const found of ['@types/node', '@standard-schema/spec', 'fastify', 'kysely', 'zod'])
      assert.ok(
        named.some((one) => one.package === found),
        found,
      );
    assert.deepEqual(
      named.filter((one) => !declared.includes(one.package)),
      [],
    );
  });

  for (const [entry, { beside = [], opaque = [] }] of Object.entries(closures)) {
    test(`a user can name every type that ${entry} exposes`, () => {
      const imported = faces.filter(({ specifier }) => [entry, ...beside].includes(specifier));
      const entries = imported.map(({ declarations }) => join(installed.path, declarations));
      assert.deepEqual(unnamedTypes(entries, { isOwn: (file) => file.includes('node_modules/millrace/'), opaque }), []);
    });
  }

  test('the user’s program runs', async () => {
    assert.match(await installed.node('--test', 'try-shop.ts'), /^ℹ pass 2$|^# pass 2$/m);
  });

  for (const { specifier: entry } of faces) {
    test(`JavaScript imports and requires ${entry}`, async () => {
      const names = async (...words: readonly string[]) => (await installed.node(...words)).trim().split(',');
      const print = 'console.log(Object.keys(found).sort().join())';
      const imported = await names('--input-type=module', '--eval', `import * as found from '${entry}'; ${print}`);
      const required = await names('--input-type=commonjs', '--eval', `const found = require('${entry}'); ${print}`);
      assert.ok(imported.includes(telling[entry] ?? ''));
      assert.deepEqual(required, imported);
    });
  }
});

/** Matches the places where a declaration names a module other than a neighbouring file: an import, an export, a type or a reference. */
const naming = /(?:\bfrom |\bimport |\bimport\(|<reference types=)['"]([^.'"][^'"]*)['"]/g;

/** Returns the package that provides a module's types. */
function packageOf(specifier: string): string {
  if (specifier === 'node' || specifier.startsWith('node:')) return '@types/node';
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}
