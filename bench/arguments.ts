import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Settings } from './measures/throughput.ts';

/** Options of a comparison, beside the selection of peers. */
export const comparisonOptions = {
  runs: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '4' },
  keys: { type: 'string', default: '10000' },
  window: { type: 'string', default: '256' },
  'low-rate': { type: 'string', default: '100' },
  recovery: { type: 'string', default: '60' },
  crash: { type: 'boolean', default: true },
} as const;

type ComparisonValues = Readonly<Record<'seconds' | 'keys' | 'window' | 'low-rate' | 'recovery', string>>;

/** Converts the options of a comparison for its measurements. */
export function settingsOf(values: ComparisonValues): Settings {
  return {
    keys: Number(values.keys),
    seed: 1,
    seconds: Number(values.seconds),
    window: Number(values.window),
    lowRate: Number(values['low-rate']),
    stallMs: 30_000,
    recoveryMs: Number(values.recovery) * 1_000,
  };
}

/** Number of connections for loads over HTTP. */
export const connectionOptions = {
  connections: { type: 'string', default: '64' },
  'batch-connections': { type: 'string', default: '8' },
} as const;

/** Options for the output, common to all programs. */
export const outputOptions = {
  folder: { type: 'string' },
  json: { type: 'string' },
  charts: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** The options of a program. An unknown option ends it with a line, its usage, and exit code 2. */
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
