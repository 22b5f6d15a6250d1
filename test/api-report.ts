/** Writes the report of the public API anew: `npm run api-report`, after a change that is meant. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faces } from './faces.ts';
import { checkout } from './program.ts';
import { publicApi } from './public-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-api-'));
try {
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const words = ['-p', join(checkout, 'tsconfig.build.json'), '--outDir', join(folder, 'dist'), '--emitDeclarationOnly'];
  execFileSync(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), ...words], { stdio: 'inherit' });
  const entries = faces.map(({ specifier, declarations }) => ({ specifier, path: join(folder, declarations) }));
  writeFileSync(join(checkout, 'test/package/public-api.txt'), publicApi(entries));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
