import { createRequire, type ResolveFnOutput, registerHooks } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/*
 * This file is the first that the launcher imports, before anybody knows whether there are dependencies: it needs none.
 */

const require = createRequire(import.meta.url);
const extension = extname(fileURLToPath(import.meta.url));
const own = new Map(
  ['', 'server/', 'store/', 'testing/'].map((folder) => [
    `millrace/${folder}`.slice(0, -1),
    new URL(`./${folder}index${extension}`, import.meta.url).href,
  ]),
);

/** What a module of a user can import of Millrace: the `exports` of package.json. */
export const faces: readonly string[] = [...own.keys()];

let lastUrl: string | undefined;

/**
 * From now on a user's module that this thread imports or requires, wherever it lies, gets the Millrace that runs it, not
 * another copy; and its schemas work where no zod is installed beside it. Hooks hold for one thread, so each that imports
 * such modules calls this.
 */
export function provideMillrace(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const found = resolveFor(specifier, () => nextResolve(specifier, context), context.conditions);
      lastUrl = found.url;
      return found;
    },
  });
}

/** The module that was resolved last: the one that was loading when a load has failed. */
export function lastResolved(): string | undefined {
  return lastUrl;
}

function resolveFor(specifier: string, resolveAsUsual: () => ResolveFnOutput, conditions: readonly string[]): ResolveFnOutput {
  const url = own.get(specifier);
  // A `require` resolves no URLs.
  if (url !== undefined) return { url, shortCircuit: true };
  try {
    return resolveAsUsual();
  } catch (error) {
    if (!/^zod(\/|$)/.test(specifier) || !isNotFound(error)) throw error;
    const isRequired = conditions.includes('require');
    return { url: isRequired ? pathToFileURL(require.resolve(specifier)).href : import.meta.resolve(specifier), shortCircuit: true };
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND');
}
