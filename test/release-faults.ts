import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the reasons not to release the checkout in this folder: versions that differ, and pages that do not mention the version. */
export function releaseFaults(root: string): readonly string[] {
  const text = (file: string) => readFileSync(join(root, file), 'utf8');
  const manifest = (file: string) => JSON.parse(text(file));
  const { version } = manifest('package.json');
  const creator = manifest('create-millrace/package.json');
  const versions: readonly (readonly [string, unknown])[] = [
    ['package-lock.json', manifest('package-lock.json').version],
    ['create-millrace/package.json', creator.version],
    ['the dependency of create-millrace', String(creator.dependencies.millrace).replace('^', '')],
  ];
  return [
    ...versions.filter(([, found]) => found !== version).map(([where, found]) => `${where}: expected ${version}, found ${found}`),
    ...(/^## \[(.+)\]/m.exec(text('CHANGELOG.md'))?.[1] === version ? [] : [`CHANGELOG.md: expected ${version} as the first version`]),
    ...(text('docs/upgrading.md').includes(`## ${version}\n`) ? [] : [`docs/upgrading.md: expected a section ${version}`]),
  ];
}
