import type { Command } from 'commander';
import { isName } from '../pipeline/check.ts';
import { type Role, roles } from '../server/access/role.ts';
import { digestOf, isTokenName, lineOf, newSecret } from '../server/access/token.ts';
import { accessSettings } from './access-settings.ts';
import { UsageError } from './usage-error.ts';

interface Options {
  readonly role: string;
  readonly pipeline: readonly string[];
  readonly json: boolean;
}

/** Adds `millrace token`. */
export function addToken(program: Command): void {
  program
    .command('token')
    .summary('create an access token for a server')
    .description(
      'Creates a token and prints it once, with a matching line for the server: a server that has the line in ' +
        `${accessSettings.tokens.variable}, or in the file of ${accessSettings.tokensFile.variable}, admits the token's holder. ` +
        'To revoke the token, remove the line.',
    )
    // The name comes first: --pipeline takes all names that follow.
    .usage('<name> --role <role> [--pipeline <name...>] [--json]')
    .argument('<name>', "the name of the token's holder; comes first")
    .requiredOption('--role <role>', 'ingest: may send events; read: may read everything; operate: may do everything')
    .option('--pipeline <name...>', 'the only pipelines it is valid for: all names that follow', [])
    .option('--json', 'print {"name","role","token","line"}', false)
    .action((name: string, options: Options) => {
      const { role, pipelines } = readOptions(name, options);
      const token = newSecret();
      const only = pipelines.length > 0 ? new Set(pipelines) : undefined;
      const line = lineOf({ name, role, digest: digestOf(token), pipelines: only });
      process.stdout.write(options.json ? `${JSON.stringify({ name, role, token, line })}\n` : description(name, token, line));
    });
}

function readOptions(name: string, { role, pipeline }: Options): { readonly role: Role; readonly pipelines: readonly string[] } {
  if (!isTokenName(name)) throw new UsageError(`name: expected letters, digits, _, . and -, at most 64, found ${JSON.stringify(name)}`);
  const known = roles.find((one) => one === role);
  if (known === undefined) throw new UsageError(`--role: expected ${roles.join(', ')}, found ${JSON.stringify(role)}`);
  const wrong = pipeline.find((one) => !isName(one));
  if (wrong !== undefined) throw new UsageError(`--pipeline: expected the name of a pipeline, found ${JSON.stringify(wrong)}`);
  return { role: known, pipelines: pipeline };
}

function description(name: string, token: string, line: string): string {
  return `The token of ${name}, shown only once; send it as Authorization: Bearer TOKEN:
${token}

The matching line for ${accessSettings.tokens.variable} or the file of ${accessSettings.tokensFile.variable}:
${line}
`;
}
