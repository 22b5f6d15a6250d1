import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from './program.ts';

/** An entry point of the package. */
interface Face {
  /** `millrace/testing` */
  readonly specifier: string;
  /** `src/testing/index.ts` */
  readonly source: string;
  /** Its declarations, in the folder of the package: `dist/src/testing/index.d.ts` */
  readonly declarations: string;
}

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
}

/** Returns the entry points of the package from `exports` in its package.json. */
export const faces: readonly Face[] = Object.entries(
  (JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as Manifest).exports,
).map(([path, { types, default: built }]) => ({
  specifier: `millrace${path.slice(1)}`,
  source: built.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'),
  declarations: types.replace(/^\.\//, ''),
}));
