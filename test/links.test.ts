import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'node:test';
import { checkout } from './program.ts';

const pages = globSync(['*.md', 'docs/**/*.md', '{systems,examples}/*/README.md', 'bench/README.md'], { cwd: checkout });

/** Returns the anchors that GitHub and the site derive from a page's headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const text = readFileSync(join(checkout, page), 'utf8').replace(/^```.*?^```/gms, '');
  const seen = new Map<string, number>();
  return new Set(
    Array.from(text.matchAll(/^#{1,6} (.+)$/gm), ([, heading = '']) => {
      const slug = heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/ /g, '-');
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      return before === 0 ? slug : `${slug}-${before}`;
    }),
  );
}

/** Returns the links of a page outside its code, as written. */
function linksOf(page: string): readonly string[] {
  const text = readFileSync(join(checkout, page), 'utf8')
    .replace(/^( *)```.*?^\1```/gms, '')
    .replace(/(`+)[^`].*?\1/g, 'code');
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);
}

test('every link in the documentation leads to an existing file and heading', () => {
  const broken: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const link of linksOf(page)) {
      if (/^[a-z]+:/.test(link)) continue;
      count += 1;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      const isThere = existsSync(join(checkout, target));
      if (!isThere || (anchor !== undefined && !anchorsOf(target).has(anchor))) broken.push(`${page}: ${link}`);
    }
  }
  assert.ok(count > 100);
  assert.deepEqual(broken, []);
});

test('README leads to every page of the documentation, directly or through another page', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const link of linksOf(page)) {
      const target = normalize(join(dirname(page), link.split('#')[0] ?? ''));
      if (target.endsWith('.md') && existsSync(join(checkout, target))) reached.add(target);
    }
  }
  assert.deepEqual(
    pages.filter((page) => page.startsWith('docs/') && !reached.has(page)),
    [],
  );
});

test('the site has every page of the documentation in its sidebar', () => {
  const config = readFileSync(join(checkout, 'site/.vitepress/config.ts'), 'utf8');
  const shown = Array.from(config.matchAll(/page\('[^']+', '([\w-]+)'\)/g), ([, name]) => `docs/${name}.md`);
  assert.deepEqual(
    pages.filter((page) => page.startsWith('docs/') && !shown.includes(page)),
    [],
  );
});
