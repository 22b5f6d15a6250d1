import { checkOptions, type OptionTable, required } from '../pipeline/check-options.ts';
import { arrayOf, expect, integerFrom, objectWith, options, text, trueOrFalse } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import { ProcessCounts } from '../telemetry/process-counts.ts';
import type { AccessOptions } from './access/guard.ts';
import { Tokens } from './access/tokens.ts';
import { checkSystem } from './check-system.ts';
import { type HttpLimits, httpLimits } from './http-limits.ts';
import type { ServerOptions } from './server-options.ts';

const access: OptionTable<AccessOptions> = {
  tokens: expect('tokens, made by tokensIn(…) or followTokens(…)', (value) => value instanceof Tokens),
  isOpen: trueOrFalse,
  hasOpenMetrics: trueOrFalse,
  hosts: arrayOf('names of hosts', text),
};

/** Every limit is a finite whole number. */
const limits = Object.fromEntries(Object.keys(httpLimits).map((name) => [name, integerFrom(1)])) as OptionTable<HttpLimits>;

const serverOptions: OptionTable<ServerOptions> = {
  mill: required(objectWith('an engine, made by millrace(…)', ['ingest', 'counts', 'health', 'stop'])),
  systems: required(arrayOf('systems', system)),
  log: required(objectWith('a log of pino', ['debug', 'info', 'warn', 'error', 'child', 'isLevelEnabled'])),
  counts: expect('an instance of ProcessCounts', (value) => value instanceof ProcessCounts),
  limits: options(limits),
  access: options(access),
};

/** Checks the options of `createServer(…)`. Throws `MILL_INVALID_CONFIGURATION`, and `MILL_INVALID_DECLARATION` for an invalid system. */
export function checkServerOptions(declared: unknown): void {
  checkOptions(declared, serverOptions, new Place('createServer', 'MILL_INVALID_CONFIGURATION'));
}

function system(value: unknown, place: Place): void {
  const hasSettings = typeof value === 'object' && value !== null && 'build' in value;
  if (hasSettings) place.refuse('expected a built system, found one with settings; write configure(system, process.env)');
  checkSystem(value);
}
