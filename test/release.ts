/** Checks everything that a release needs, and packs it: `npm run release`. It publishes nothing. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaseFaults } from './release-faults.ts';

const root = join(import.meta.dirname, '..');
const run = (program: string, ...words: readonly string[]) => execFileSync(program, words, { cwd: root, stdio: 'inherit' });
const say = (text: string) => process.stdout.write(`${text}\n`);

const changes = execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' });
const faults = [...(changes === '' ? [] : [`expected a checkout without changes, found\n${changes}`]), ...releaseFaults(root)];
if (faults.length > 0) {
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exit(1);
}
run('bash', '.ci/run');
run('npm', 'ci', '--prefix', 'site');
run('npm', 'run', 'build', '--prefix', 'site');
const folder = mkdtempSync(join(tmpdir(), 'millrace-release-'));
for (const path of ['.', './create-millrace']) run('npm', 'pack', path, '--pack-destination', folder);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
say(`\nAll checks passed. Both packages are in ${folder}. To publish:\n`);
say(`  git tag v${version} && git push origin v${version}`);
for (const name of ['millrace', 'create-millrace']) say(`  npm publish ${join(folder, `${name}-${version}.tgz`)} --provenance`);
