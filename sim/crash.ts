import { parseArgs } from 'node:util';
import { crash } from './crash/harness.ts';

const usage = `Usage: npm run crash -- [options]

Kills the server with SIGKILL while all five systems are under load, starts it again, and holds everything against what is
known without it: every promise, after every kill, and once more when all has come to rest.

  --rounds N       how often the server is started and killed (default: 40)
  --group N        rounds on one database (default: 20)
  --power-cuts N   how many of the kills are followed by a power cut, on a copy (default: a fourth of the rounds)
  --seed N         what is sent, and when the kills are to be. The same seed sends the same, but the moments are of real time,
                   so no two runs are the same (default: a fresh one, which is printed)
`;

/** So many of what is broken are shown: one fault often breaks many things. */
const shownMax = 20;

const broughtDown = new AbortController();
process.once('SIGINT', () => broughtDown.abort());
process.once('SIGTERM', () => broughtDown.abort());
process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'string') {
    process.stderr.write(`${options}${usage}`);
    return 2;
  }
  print(`crash: ${options.rounds} rounds, ${options.powerCuts} power cuts, --seed ${options.seed}`);
  try {
    const { tally, broken, folder } = await crash({ ...options, signal: broughtDown.signal, progress: print });
    for (const line of tally.lines()) print(line);
    for (const words of broken.slice(0, shownMax)) print(`broken: ${words}`);
    if (broken.length > shownMax) print(`and ${broken.length - shownMax} more`);
    print(folder === undefined ? 'crash: ok' : `crash: ${broken.length} broken; the files are in ${folder}`);
    return broken.length === 0 ? 0 : 1;
  } catch (error) {
    if (!broughtDown.signal.aborted) throw error;
    print('crash: interrupted');
    return 130;
  }
}

interface Options {
  readonly rounds: number;
  readonly groupSize: number;
  readonly powerCuts: number;
  readonly seed: number;
}

/** What is wrong with the words, if something is. */
function readOptions(): Options | string {
  const text = { type: 'string' } as const;
  const options = { rounds: text, group: text, 'power-cuts': text, seed: text } as const;
  try {
    const { values } = parseArgs({ options });
    const rounds = integer(values.rounds, '--rounds') ?? 40;
    return {
      rounds,
      groupSize: integer(values.group, '--group') ?? 20,
      powerCuts: integer(values['power-cuts'], '--power-cuts') ?? Math.floor(rounds / 4),
      seed: integer(values.seed, '--seed') ?? Math.floor(Math.random() * 2 ** 31),
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n`;
  }
}

function integer(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`${flag}: expected a whole number, found ${text}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
