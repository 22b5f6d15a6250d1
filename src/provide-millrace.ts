import { createRequire, type ResolveFnOutput, registerHooks } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/* The launcher imports this file first, before it knows whether dependencies are installed, so it must need none. */

const require = createRequire(import.meta.url);
const extension = extname(fileURLToPath(import.meta.url));
const own = new Map(
  ['', 'server/', 'store/', 'testing/'].map((folder) => [
    `millrace/${folder}`.slice(0, -1),
    new URL(`./${folder}index${extension}`, import.meta.url).href,
  ]),
);

/** The Millrace modules that a user's module can import: the `exports` of package.json. */
export const faces: readonly string[] = [...own.keys()];

let lastUrl: string | undefined;

/**
 * Gives every user module that this thread imports or requires, wherever it is, the running Millrace instead of another copy. Its schemas
 * work even where no zod is installed beside it. Hooks apply to one thread, so each thread that imports such modules calls this.
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

/** Returns the most recently resolved module: the one that was loading when a load failed. */
export function lastResolved(): string | undefined {
  return lastUrl;
}

function resolveFor(specifier: string, resolveAsUsual: () => ResolveFnOutput, conditions: readonly string[]): ResolveFnOutput {
  const url = own.get(specifier);
  // `require` resolves no URLs.
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
