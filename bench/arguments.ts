import { type ParseArgsConfig, parseArgs } from 'node:util';

/** What a comparison of peers may be told, beside which of them. */
export const comparisonOptions = {
  runs: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '4' },
  keys: { type: 'string', default: '10000' },
  window: { type: 'string', default: '256' },
  'low-rate': { type: 'string', default: '100' },
  recovery: { type: 'string', default: '60' },
  crash: { type: 'boolean', default: true },
} as const;

/** How many connections loads over HTTP have. */
export const connectionOptions = {
  connections: { type: 'string', default: '64' },
  'batch-connections': { type: 'string', default: '8' },
} as const;

/** Where figures go, and what every program has. */
export const outputOptions = {
  folder: { type: 'string' },
  json: { type: 'string' },
  charts: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** The options of a program. What it does not know ends it with a line, its usage, and exit code 2. */
export function readArguments<const Config extends ParseArgsConfig>(
  config: Config,
  usage: string,
): ReturnType<typeof parseArgs<Config>>['values'] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}
