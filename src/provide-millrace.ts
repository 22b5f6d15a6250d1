import { registerHooks } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * This file is the first that the launcher imports, before anybody knows whether there are dependencies: it needs none.
 */

const extension = extname(fileURLToPath(import.meta.url));
const own = new Map(
  ['', 'testing/'].map((folder) => [`millrace/${folder}`.slice(0, -1), new URL(`./${folder}index${extension}`, import.meta.url).href]),
);

/**
 * From now on a user's module that this thread imports, wherever it lies, gets the Millrace that runs it, not another copy;
 * and its schemas work where no zod is installed beside it. Hooks hold for one thread, so each that imports such modules
 * calls this.
 */
export function provideMillrace(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = own.get(specifier);
      if (url !== undefined) return nextResolve(url, context);
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        if (specifier !== 'zod' || !isNotFound(error)) throw error;
        return nextResolve(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
