import { parseArgs } from 'node:util';
import { freshSeed, integer, print, runTrial } from './command-line.ts';
import { crash } from './crash/harness.ts';

const usage = `Usage: npm run crash -- [options]

Kills the server with SIGKILL while all five systems are under load, restarts it, and checks every promise against what is
known independently: after every kill, and once more when everything is at rest.

  --rounds N       number of times to start and kill the server (default: 40)
  --group N        rounds on one database (default: 20)
  --power-cuts N   number of kills followed by a power cut, on a copy (default: a quarter of the rounds)
  --seed N         determines what is sent and when to kill. The same seed sends the same, but in real time,
                   so no two runs are the same (default: a fresh one, which is printed)
`;

await runTrial({
  name: 'crash',
  usage,
  readOptions,
  async run(options, signal) {
    print(`crash: ${options.rounds} rounds, ${options.powerCuts} power cuts, --seed ${options.seed}`);
    const outcome = await crash({ ...options, signal, progress: print });
    for (const line of outcome.tally.lines()) print(line);
    return outcome;
  },
});

function readOptions() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { rounds: text, group: text, 'power-cuts': text, seed: text } });
  const rounds = integer(values.rounds, '--rounds', 0) ?? 40;
  return {
    rounds,
    groupSize: integer(values.group, '--group', 1) ?? 20,
    powerCuts: integer(values['power-cuts'], '--power-cuts', 0) ?? Math.floor(rounds / 4),
    seed: integer(values.seed, '--seed', 0) ?? freshSeed(),
  };
}
