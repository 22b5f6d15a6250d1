import { randomProgram } from './random-program.ts';
import { simulate } from './simulation.ts';

/** Events that must occur to engines that share a store. */
export const fleetHappenings = [
  'events appended by another than the owner',
  'leases after one that ran out',
  'leases after one that ran out in a sleep',
  'leases after one that ran out after a death',
  'leases after one that was released',
  'processes that woke',
  'kills of one of several',
  'stops of one of several',
  'rolling restarts',
] as const;

/** Events that must occur to rows inserted by other programs. */
export const inboxHappenings = ['rows of the inbox accepted', 'rows of the inbox buried', 'commands answered'] as const;

/**
 * Simulates programs of consecutive seeds; returns a line for each broken promise, with the command that reproduces it. Each of `mustHappen`
 * must have happened in at least one program.
 */
export async function brokenOf(
  firstSeed: number,
  programs: number,
  { steps, mustHappen = [] }: { readonly steps: number; readonly mustHappen?: readonly string[] },
): Promise<string> {
  const broken: string[] = [];
  const happened = new Set<string>();
  for (let seed = firstSeed; seed < firstSeed + programs; seed += 1) {
    const report = await simulate(randomProgram(seed, steps));
    for (const what of report.tally.keys()) happened.add(what);
    for (const what of report.broken) broken.push(`npm run sim -- --seed ${seed} --steps ${steps}: ${what}`);
  }
  for (const what of mustHappen) if (!happened.has(what)) broken.push(`expected one of the programs to have ${what}`);
  return broken.join('\n');
}
