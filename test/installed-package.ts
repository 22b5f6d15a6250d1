import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { checkout } from './program.ts';

/** The dependencies in a package's manifest. */
interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
}

/** A user's folder in which `millrace` is installed from its tarball, with its dependencies and nothing else. */
export class InstalledPackage {
  readonly folder: string;
  /** The tarball to be published. */
  readonly tarball: string;

  private constructor(folder: string, tarball: string) {
    this.folder = folder;
    this.tarball = tarball;
  }

  /** Packs the package and installs it without a registry: its dependencies are copied from this checkout. */
  static async in(folder: string): Promise<InstalledPackage> {
    const tarball = await pack(join(folder, 'package'));
    const installed = new InstalledPackage(join(folder, 'project'), tarball);
    mkdirSync(installed.path, { recursive: true });
    await run('tar', ['-xzf', tarball, '-C', installed.path, '--strip-components', '1']);
    for (const dependency of dependenciesOf(checkout)) installed.#copy(dependency);
    return installed;
  }

  /** Installs another package from this checkout for a program in the folder. */
  add(name: string): void {
    const path = join(checkout, 'node_modules', name);
    for (const dependency of [path, ...dependenciesOf(path)]) this.#copy(dependency);
  }

  #copy(dependency: string): void {
    const isOwn = (path: string) => !relative(dependency, path).split(/[\\/]/).includes('node_modules');
    cpSync(dependency, join(this.folder, relative(checkout, dependency)), { recursive: true, filter: isOwn });
  }

  /** The folder of the package. */
  get path(): string {
    return join(this.folder, 'node_modules/millrace');
  }

  /** The declarations of the package, as paths in the user's folder. */
  get declarations(): readonly string[] {
    const files = readdirSync(this.path, { recursive: true, encoding: 'utf8' });
    return files.filter((file) => file.endsWith('.d.ts')).map((file) => join('node_modules/millrace', file));
  }

  /** Runs Node.js in the user's folder. Returns what it prints; throws when it fails. */
  async node(...words: readonly string[]): Promise<string> {
    return this.with(process.execPath, ...words);
  }

  /** Does the same as {@link node}, with another Node.js. */
  async with(node: string, ...words: readonly string[]): Promise<string> {
    // A test runner started by another one would report to it.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    return (await run(node, words, { cwd: this.folder, env })).stdout;
  }
}

const run = promisify(execFile);

/** The sources from which the package is built, and the files it ships unchanged. */
const sources = [
  ...['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'SECURITY.md', 'bin', 'page'],
  ...['build.ts', 'tsconfig.json', 'tsconfig.build.json', 'src', 'systems'],
];

/** Builds the tarball in a copy with the release scripts, leaving the build output of this checkout as it is. Returns its path. */
async function pack(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const built = join(checkout, 'page/dist');
  for (const name of sources) cpSync(join(checkout, name), join(folder, name), { recursive: true, filter: (path) => path !== built });
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  await run('npm', ['pack', '--silent'], { cwd: folder });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('expected a tarball of npm pack, found none');
  return join(folder, tarball);
}

/** Returns the folders of all packages that a package brings along: its dependencies, and theirs. */
function dependenciesOf(root: string, found = new Set<string>()): ReadonlySet<string> {
  const { dependencies = {}, optionalDependencies = {} } = manifestIn(root);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const folder = find(name, root);
    if (folder === undefined && !(name in optionalDependencies))
      throw new Error(`expected ${name} to be installed, found none for ${root}`);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    dependenciesOf(folder, found);
  }
  return found;
}

/** Returns the folder of a package as code in `from` resolves it. */
function find(name: string, from: string): string | undefined {
  const folder = join(from, 'node_modules', name);
  if (basename(from) !== 'node_modules' && existsSync(folder)) return folder;
  return dirname(from) === from ? undefined : find(name, dirname(from));
}

export function manifestIn(folder: string): Manifest {
  // Every package that npm installed has a valid manifest.
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
