/** Builds the page into `page/dist`, and compresses its text files: `npm run page`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'vite';

await build({ configFile: join(import.meta.dirname, 'vite.config.ts'), logLevel: 'warn' });

const dist = join(import.meta.dirname, 'dist');
for (const name of readdirSync(dist)) {
  if (!['.html', '.js', '.css'].includes(extname(name))) continue;
  const text = readFileSync(join(dist, name));
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}
