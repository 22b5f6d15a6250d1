import { Command, CommanderError } from 'commander';
import { integerBetween, readValue } from '../src/configuration/values.ts';
import { messageOf } from '../src/errors.ts';
import { type CampaignOptions, campaign } from './fuzz/campaign.ts';
import { reportText } from './fuzz/report.ts';

/** Time limit for answering a real user, in milliseconds. */
const boundMs = 5_000;
const seedMax = 999_999_999_999_999;

function readOptions(words: readonly string[]): CampaignOptions {
  const command = new Command('fuzz')
    .description('Attacks every route of its own server with hostile requests, and checks what must hold.')
    .option('--seconds <n>', 'the duration of the attack', '600')
    .option('--seed <n>', 'determines the requests; by default a fresh one each time')
    .option('--tokens', 'the server requires tokens', false)
    .option('--only <n>', 'repeats one request of a seed, and shows it')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const { seconds, seed, tokens, only } = command
    .parse(words, { from: 'user' })
    .opts<{ seconds: string; seed?: string; tokens: boolean; only?: string }>();
  const number = (name: string, text: string, min: number, max: number) =>
    readValue(integerBetween(min, max), text, (message) => new CommanderError(2, 'fuzz', `${name}: ${message}`));
  return {
    attackMs: number('--seconds', seconds, 1, 86_400) * 1000,
    seed: seed === undefined ? Math.floor(Math.random() * 1_000_000_000) : number('--seed', seed, 0, seedMax),
    only: only === undefined ? undefined : number('--only', only, 0, 2_000_000_000),
    boundMs,
    withTokens: tokens,
  };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  process.stdout.write(`seed ${options.seed}\n`);
  const interrupted = new AbortController();
  process.on('SIGINT', () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });
  const onProgress = (text: string) => process.stderr.isTTY && process.stderr.write(`\r${text} `);
  const report = await campaign({ ...options, signal: interrupted.signal, onProgress });
  process.stdout.write(`\n${reportText(report)}`);
  return report.faults.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isHelp = error instanceof CommanderError && error.exitCode === 0;
  if (!isHelp) process.stderr.write(`fuzz: ${messageOf(error).replace(/^error: /, '')}\n`);
  process.exitCode = isHelp ? 0 : error instanceof CommanderError ? 2 : 1;
}
