import type { Command } from 'commander';
import { configure } from '../../server/system.ts';
import { readNamedDatabase } from '../configuration.ts';
import { refuseExits } from '../exit.ts';
import { loadSystems } from '../load-systems.ts';
import type { DeclaredSystem } from '../shipped.ts';
import { endWhenAsked } from '../stop-orders.ts';
import type { Invocation } from '../system-commands.ts';
import type { Flags } from './copied.ts';

/** Adds `millrace copy`. */
export function addCopy(program: Command, { environment, orders }: Invocation, ownSystems: readonly DeclaredSystem[]): void {
  program
    .command('copy')
    .summary('copy everything in a database to another one, even of another kind')
    .description(
      'Copies all pipeline data from one database to an empty one: events, states, held events, gaps, timers, deliveries, outcomes, ' +
        'dead letters, timelines, pauses, and the rows of declared tables. Then it compares counts and checksums. Servers on both sides must be stopped. ' +
        'An interrupted copy, even one killed with kill -9, continues when the same command is run again; until it completes, no server starts ' +
        'on the target. The source stays unchanged.',
    )
    .argument('[system...]', 'systems whose pipelines and tables to copy, named as for serve; all systems by default')
    .requiredOption('--from <url>', 'sqlite:PATH, postgres://USER@HOST/NAME, or mysql://USER@HOST/NAME')
    .requiredOption('--to <url>', 'postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, or sqlite:PATH')
    .option('--json', 'print the result as a JSON object')
    .addHelpText(
      'after',
      `\nExamples:\n  $ millrace copy --from sqlite:./data/millrace.db --to postgres://millrace@localhost/millrace\n` +
        `  $ millrace copy ./my-pipelines.ts --from ./data/millrace.db --to postgres://millrace@localhost/millrace`,
    )
    .action(async (names: string[], flags: Flags) => {
      const from = readNamedDatabase('--from', flags.from, environment);
      const to = readNamedDatabase('--to', flags.to, environment);
      refuseExits();
      // Until it listens for itself.
      endWhenAsked(orders);
      const systems = (await loadSystems(names, ownSystems)).map((declared) => configure(declared, environment));
      // It loads a progress bar, which servers do not need.
      const { copied } = await import('./copied.ts');
      process.stdout.write(
        await copied({ from, to, isJson: flags.json === true, pipelines: systems.flatMap(({ pipelines }) => pipelines), orders }),
      );
    });
}
