import { settings } from './configuration.ts';

/** The table of variables for the foot of a help page. */
export function environmentHelp(): string {
  const width = Math.max(...settings.map((setting) => setting.variable.length)) + 2;
  const lines = settings.map(({ variable, meaning, otherwise }) => `  ${variable.padEnd(width)}${meaning} (default: ${otherwise})`);
  return `Environment, also from a file .env; a flag goes before both:\n${lines.join('\n')}`;
}

/** The commands as one would type them, for the foot of the program's help. */
export const examples = `Examples:
  $ millrace serve                          all systems on http://127.0.0.1:8080, API page at /docs
  $ millrace serve rockets                  one of them, on its own port
  $ millrace serve ./my-pipelines.ts        pipelines of your own, same server
  $ millrace simulate rockets               load the rockets with messages out of order, then check every rocket`;
