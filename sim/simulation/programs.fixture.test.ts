import { randomProgram } from './random-program.ts';
import { simulate } from './simulation.ts';

/** Simulates programs of consecutive seeds; returns a line for each promise that one broke, with the command that shows it. */
export async function brokenOf(firstSeed: number, programs: number, steps: number): Promise<string> {
  const broken: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + programs; seed += 1) {
    const report = await simulate(randomProgram(seed, steps));
    for (const what of report.broken) broken.push(`npm run sim -- --seed ${seed} --steps ${steps}: ${what}`);
  }
  return broken.join('\n');
}
