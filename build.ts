/** Builds `dist`, the code of the package: `npm run build`. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = import.meta.dirname;
/** The places where a declaration names a neighbouring file: an import, an export or a type. */
const naming = /(?:\bfrom |\bimport |\bimport\()['"](\.[^'"]+)['"]/g;
rmSync(join(root, 'dist'), { recursive: true, force: true });
const compiler = join(root, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
const reached = reachedDeclarations();
for (const file of globSync('dist/**/*.d.ts', { cwd: root })) if (!reached.has(join(root, file))) rmSync(join(root, file));

/** Returns the declarations reachable from the exports of package.json. No program can import any others. */
function reachedDeclarations(): ReadonlySet<string> {
  const manifest: { readonly exports: Readonly<Record<string, { readonly types: string }>> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  // Iterating over a set also reaches the items added meanwhile.
  const reached = new Set(Object.values(manifest.exports).map(({ types }) => join(root, types)));
  for (const file of reached)
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(naming)) reached.add(join(dirname(file), path.replace(/ts$/, 'd.ts')));
  return reached;
}
