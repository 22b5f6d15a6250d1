import type { Setting } from '../configuration/setting.ts';
import { accessSettings } from './access-settings.ts';
import { settings } from './configuration.ts';
import { databaseSettings } from './database-settings.ts';
import { limitSettings } from './limit-settings.ts';
import type { Shipped } from './shipped.ts';

/** Returns the tables of variables for the foot of a help page: the general ones, the limits, then those of systems. */
export function environmentHelp(systems: Shipped['systems']): string {
  const own = systems.flatMap((system) =>
    'settings' in system ? [{ heading: `System ${system.name}:`, settings: Object.values<Setting>(system.settings) }] : [],
  );
  const heading = 'Environment variables, also read from a .env file; a flag takes precedence over both:';
  const access = { heading: 'Access:', settings: Object.values<Setting>(accessSettings) };
  const server = { heading: 'Database server:', settings: Object.values<Setting>(databaseSettings) };
  const limits = { heading: 'Limits:', settings: Object.values<Setting>(limitSettings) };
  const tables = [{ heading, settings }, access, server, limits, ...own];
  const width = Math.max(...tables.flatMap((table) => table.settings.map(({ variable }) => variable.length))) + 2;
  return tables.map((table) => [table.heading, ...table.settings.map((setting) => line(setting, width))].join('\n')).join('\n');
}

function line({ variable, meaning, otherwise, required, unset }: Setting, width: number): string {
  return `  ${variable.padEnd(width)}${meaning} (${required ? 'required' : `default: ${otherwise ?? unset ?? 'none'}`})`;
}

/** Returns example command lines, for the foot of the program's help. */
export function examples(commands: Shipped['commands']): string {
  const all = [...ofServe, ...commands.map(({ example }) => example), ...ofStores];
  const width = Math.max(...all.map(([line]) => line.length)) + 3;
  return ['Examples:', ...all.map(([line, does]) => `  $ ${line.padEnd(width)}${does}`)].join('\n');
}

const ofServe = [
  ['millrace serve', 'all systems on http://127.0.0.1:8080, API page at /docs'],
  ['millrace serve rockets', 'one of them, on its own port'],
  ['millrace serve ./my-pipelines.ts', 'pipelines of your own, same server'],
  ['millrace serve --watch ./my-pipelines.ts', 'the same, reloading whenever a file changes'],
  ['millrace init shop', 'a small project to start from'],
] as const;

const ofStores = [
  ['millrace store list', 'the stored work of each pipeline, declared or not'],
  ['millrace copy --from FILE --to URL', 'everything in a database to one of another kind'],
  ['millrace migrate --check', 'whether the tables of the database are up to date'],
  ['millrace backup /backup/mill.db', 'a verified copy of the database, while a server runs'],
  ['millrace status', 'the pipelines of a server: received, waiting and failed events'],
  ['millrace dead-letters --groups', 'permanent failures, grouped by similar reasons'],
  ['millrace token ci --role ingest', 'a token with which ci may send events, and the line for MILLRACE_TOKENS'],
] as const;
