/** Builds the page when a checkout is installed. What is installed as a package has it already, and none of what builds it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const isCheckout = existsSync(join(import.meta.dirname, 'src', 'main.tsx'));
if (isCheckout) await import('./build.ts');
