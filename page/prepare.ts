/** Builds the page when a checkout is installed with the build tools. An installed package already has the page. */
import { existsSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { join } from 'node:path';

const isCheckout = existsSync(join(import.meta.dirname, 'src', 'main.tsx'));
if (isCheckout && hasVite()) await import('./build.ts');

/** An installation without development dependencies has none; its server reports that the page is not built. */
function hasVite(): boolean {
  return existsSync(join(import.meta.dirname, '..', 'node_modules', 'vite')) || findPackageJSON('vite', import.meta.url) !== undefined;
}
