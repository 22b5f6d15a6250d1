import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { checkout } from '../program.ts';
import type { Instruction, Stage } from './dockerfile.ts';
import { leftOutBy } from './dockerignore.ts';

const isLeftOut = leftOutBy(readFileSync(join(checkout, '.dockerignore'), 'utf8'));

/** The user in the Node.js images. */
const user = 1000;

/**
 * The file system of a stage: a folder that a process sees as its root, with the system's programs and the Node.js that runs the test. It
 * Replaces a container engine: the commands of the stage run in it one after another, exactly as the Dockerfile has them.
 */
export class Image {
  readonly root: string;
  readonly #images: ReadonlyMap<string, Image>;
  readonly #environment: Record<string, string>;
  readonly #cache: string;
  #folder = '/';
  #uid = 0;
  #words: readonly string[] = [];

  /** `images` has the earlier stages, by name; `cache` is the folder of npm's cache. */
  constructor(root: string, images: ReadonlyMap<string, Image>, cache: string) {
    this.root = root;
    this.#images = images;
    this.#cache = cache;
    this.#environment = { PATH: '/opt/node:/usr/bin:/bin', HOME: '/tmp' };
    for (const folder of ['usr', 'etc', 'proc', 'dev', 'tmp', 'opt/node', 'cache']) mkdirSync(join(root, folder), { recursive: true });
    for (const link of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${link}`, join(root, link));
    cpSync(process.execPath, join(root, 'opt/node/node'), { dereference: true });
    for (const file of ['passwd', 'group']) {
      const isPasswd = file === 'passwd';
      const others = readFileSync(`/etc/${file}`, 'utf8').replace(/^(?:node|[^:\n]*:[^:\n]*:1000):.*\n/gm, '');
      writeFileSync(join(root, `opt/${file}`), `${others}node:x:${user}:${isPasswd ? `${user}::/tmp:/bin/sh` : ''}\n`);
    }
  }

  /** Carries out the instructions. Throws, with the output, when a command fails. */
  build({ instructions }: Stage): void {
    for (const instruction of instructions) this.#do(instruction);
  }

  /** Starts the image's command as PID 1 of its own namespace, as the image's user. */
  start(environment: Readonly<Record<string, string>>) {
    // Each process replaces the one before, so Node.js is PID 1.
    const script = `exec /usr/sbin/chroot --userspec=${this.#uid}:${this.#uid} "$root" /usr/bin/env --chdir=${this.#folder} "$@"`;
    return spawn('unshare', this.#unshared(script, this.#words), {
      env: { ...this.#environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  #do({ name, rest }: Instruction): void {
    if (name === 'RUN') this.#run(rest);
    else if (name === 'COPY') this.#copy(rest.split(' '));
    else if (name === 'WORKDIR') this.#enter(rest);
    else if (name === 'USER') this.#uid = user;
    else if (name === 'ENV') Object.assign(this.#environment, Object.fromEntries(rest.split(' ').map((pair) => pair.split(/=(.*)/s, 2))));
    else if (name === 'ENTRYPOINT' || name === 'CMD') this.#words = [...this.#words, ...JSON.parse(rest)];
    else if (!['VOLUME', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK'].includes(name))
      throw new Error(`expected a known instruction, found ${name}`);
  }

  #enter(folder: string): void {
    this.#folder = folder;
    mkdirSync(join(this.root, folder), { recursive: true });
  }

  #copy(words: readonly string[]): void {
    const from = /^--from=(.*)$/.exec(words[0] ?? '')?.[1];
    const source = from === undefined ? checkout : this.#images.get(from)?.root;
    if (source === undefined) throw new Error(`expected a stage ${from}`);
    const paths = words.slice(from === undefined ? 0 : 1);
    const target = join(this.root, this.#folder, paths.at(-1) ?? '');
    for (const path of paths.slice(0, -1)) {
      const isInto = paths.length > 2 || paths.at(-1) === './';
      const to = isInto ? join(target, path) : target;
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(source, path), to, { recursive: true, filter: (file) => from !== undefined || !isLeftOut(relative(source, file)) });
      if (!existsSync(to)) throw new Error(`expected ${path} to be there, found that .dockerignore leaves it out`);
    }
  }

  #run(command: string): void {
    const script = `exec /usr/sbin/chroot "$root" /bin/sh -c "$@"`;
    const env = { ...npmSettings(), ...this.#environment, npm_config_cache: '/cache' };
    const { status, stdout, stderr } = spawnSync('unshare', this.#unshared(script, [`cd ${this.#folder} && ${command}`]), {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`expected it to end well, found ${status}: ${command}\n${stdout}\n${stderr}`);
  }

  /** Returns the arguments for `unshare`: mounts everything the root needs, then runs the script with the words as its arguments. */
  #unshared(script: string, words: readonly string[]): readonly string[] {
    const mounts = [
      'set -e; root=$0',
      ...['usr', 'etc', 'dev'].map((folder) => `mount --rbind /${folder} "$root/${folder}"`),
      ...['passwd', 'group'].map((file) => `mount --bind "$root/opt/${file}" "$root/etc/${file}"`),
      `mount --bind "${this.#cache}" "$root/cache"`,
      'mount -t proc proc "$root/proc"',
      script,
    ];
    return ['--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', mounts.join('\n'), this.root, ...words];
  }
}

/** Returns the reason why this system or user cannot make images, or false. */
export function cannotMakeImages(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs Linux, and the rights of root to mount';
  const { status } = spawnSync('unshare', ['--mount', '--pid', '--fork', 'mount', '-t', 'proc', 'proc', '/proc']);
  return status !== 0 && 'it needs namespaces, which are not allowed here';
}

/** Passes settings of the local npm on to the image, such as its registry. */
function npmSettings(): Record<string, string> {
  const settings = Object.entries(process.env).filter(([name]) => /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_.*)$/i.test(name));
  const file = join(process.env.HOME ?? '', '.npmrc');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const ofFile = lines.flatMap((line) => {
    const [, name = '', value = ''] = /^([a-z-]+) *= *(.*)$/.exec(line) ?? [];
    return name === '' ? [] : [[`npm_config_${name.replaceAll('-', '_')}`, value]];
  });
  return Object.fromEntries([...settings, ...ofFile].map(([name, value]) => [name, value ?? '']));
}
