import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { faces } from './faces.ts';
import { checkout } from './program.ts';

/** A program that prints the URLs of all modules that importing the given files loads. */
const observer = `
import { registerHooks } from 'node:module';
const loaded = new Set();
registerHooks({
  load(url, context, nextLoad) {
    loaded.add(url);
    return nextLoad(url, context);
  },
});
for (const file of process.argv.slice(1)) await import(file);
console.log(JSON.stringify([...loaded]));
`;

/** Returns the modules of this checkout that a program loads by importing the files: paths from its root, and the names of packages. */
function loadedBy(...files: readonly string[]): { readonly files: readonly string[]; readonly packages: ReadonlySet<string> } {
  const words = ['--input-type=module', '--eval', observer, ...files.map((file) => join(checkout, file))];
  const urls = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as readonly string[];
  const paths = urls.filter((url) => url.startsWith('file:')).map((url) => relative(checkout, fileURLToPath(url)).replaceAll('\\', '/'));
  const packages = paths.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return {
    files: paths.filter((_, at) => packages[at] === undefined),
    packages: new Set(packages.filter((name) => name !== undefined)),
  };
}

/** Heavy packages, which a program that only runs an engine must not load. */
const heavy = ['commander', 'cli-progress', 'ioredis', 'pino', 'pino-pretty', 'fastify', '@fastify/swagger', 'prom-client'];

for (const { specifier, source } of faces) {
  test(`a program that imports ${specifier} loads no command line, no system and no Fastify`, () => {
    const { files, packages } = loadedBy(source);
    assert.deepEqual(
      heavy.filter((name) => packages.has(name)),
      [],
    );
    assert.deepEqual(
      files.filter((file) => !file.startsWith('src/') || file.startsWith('src/cli/')),
      [],
    );
  });
}

test('a program that imports millrace loads nothing of the server, and one that imports millrace/store no database', () => {
  const ofEngine = loadedBy('src/index.ts').files;
  assert.ok(ofEngine.includes('src/engine/mill.ts') && ofEngine.includes('src/store/sqlite/sqlite-store.ts'));
  assert.deepEqual(
    ofEngine.filter((file) => file.startsWith('src/server/')),
    [],
  );
  const ofStores = loadedBy('src/store/index.ts').files;
  assert.ok(ofStores.includes('src/store/list-size.ts'));
  assert.deepEqual(
    ofStores.filter((file) => /^src\/(?:engine|store\/(?:sqlite|memory|contract))\//.test(file)),
    [],
  );
});

test('serve loads no command of a system, and nothing that only those need', () => {
  const { files, packages } = loadedBy('src/cli/main.ts', 'systems/index.ts');
  assert.ok(files.includes('systems/rockets/commands.ts') && packages.has('commander'));
  assert.deepEqual(
    files.filter((file) => /^systems\/[^/]+\/(?:play|replay|simulate)\//.test(file)),
    [],
  );
  assert.ok(!packages.has('cli-progress'));
});
