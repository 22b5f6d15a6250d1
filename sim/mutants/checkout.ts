import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Mutant, mutate } from './mutant.ts';

/** The root of this checkout. */
export const root = join(import.meta.dirname, '../..');

/** A copy of this checkout in its current state, which mutants may break. */
export class Checkout {
  readonly path: string;

  /** Copies what git tracks or would track; the installed packages are shared. */
  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'millrace-mutants-'));
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
    for (const file of listed.split('\0')) {
      if (file === '' || file === 'node_modules' || !existsSync(join(root, file))) continue;
      mkdirSync(dirname(join(this.path, file)), { recursive: true });
      copyFileSync(join(root, file), join(this.path, file));
    }
    symlinkSync(join(root, 'node_modules'), join(this.path, 'node_modules'));
  }

  /** Does the work with a mutant in the copy, and removes the mutant afterwards. */
  async with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const file = join(this.path, mutant.file);
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, mutate(mutant, source));
    try {
      return await work();
    } finally {
      writeFileSync(file, source);
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
