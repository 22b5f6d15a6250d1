/**
 * Builds the site from the checkout's pages: `npm run build` writes it to `dist/`. The pages are copied with their folders, so that links
 * lead to the same places as in the checkout; a broken link fails the build.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const pages = join(import.meta.dirname, 'pages');
rmSync(pages, { recursive: true, force: true });
for (const file of globSync(['*.md', 'docs/**/*.md', '{systems,examples}/*/README.md', 'bench/README.md'], { cwd: root })) {
  mkdirSync(dirname(join(pages, file)), { recursive: true });
  writeFileSync(join(pages, file), readFileSync(join(root, file), 'utf8'));
}
for (const file of globSync('docs/**/*.{png,svg}', { cwd: root })) cpSync(join(root, file), join(pages, file));
const vitepress = join(import.meta.dirname, 'node_modules/vitepress/bin/vitepress.js');
execFileSync(process.execPath, [vitepress, 'build', '.'], { cwd: import.meta.dirname, stdio: 'inherit' });
