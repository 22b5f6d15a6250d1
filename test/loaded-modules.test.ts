import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkout } from './program.ts';

/** Written to be run: prints the URLs of all modules that importing these loads, in this process and those that they import. */
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

/** What is loaded of this checkout when a program imports the files: paths from its root, and the names of packages. */
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

test('who serves loads no command of a system, and nothing that only those need', () => {
  const { files, packages } = loadedBy('src/cli/main.ts', 'systems/index.ts');
  assert.ok(files.includes('systems/rockets/commands.ts') && packages.has('commander'));
  assert.deepEqual(
    files.filter((file) => /^systems\/[^/]+\/(?:play|replay|simulate)\//.test(file)),
    [],
  );
  assert.ok(!packages.has('cli-progress'));
});
