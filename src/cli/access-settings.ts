import type { Logger } from 'pino';
import { type Environment, readSettings, type Setting } from '../configuration/setting.ts';
import type { Values } from '../configuration/values.ts';
import { MillraceError } from '../errors.ts';
import type { AccessOptions } from '../server/access/guard.ts';
import { lineForm } from '../server/access/token.ts';
import { followTokens, tokensIn } from '../server/access/tokens.ts';

const text: Values<string> = { accepts: 'a text', read: (value) => value };

/** The environment variables that control access to the server. */
export const accessSettings = {
  tokens: {
    variable: 'MILLRACE_TOKENS',
    meaning: `access tokens of the server: lines ${lineForm}, as printed by millrace token, separated by commas or newlines; without tokens anyone may use the server, which then listens on loopback only`,
    values: text,
  },
  tokensFile: {
    variable: 'MILLRACE_TOKENS_FILE',
    meaning: 'a file with such lines, instead of the variable above; reread when it changes',
    values: text,
  },
  access: {
    variable: 'ACCESS',
    meaning: 'open: anyone may use the server on any address, like --open',
    values: oneOf('open', 'tokens'),
    otherwise: 'tokens',
  },
  metricsAccess: {
    variable: 'METRICS_ACCESS',
    meaning: 'open: /metrics needs no token',
    values: oneOf('open', 'tokens'),
    otherwise: 'tokens',
  },
  hosts: {
    variable: 'ALLOWED_HOSTS',
    meaning: 'additional host names of the server, separated by commas; loopback and HOST are always accepted',
    values: { accepts: 'host names without ports, separated by commas', read: readHosts },
  },
} satisfies Readonly<Record<string, Setting>>;

/** The access settings, before the token file is read. */
export type AccessConfiguration = Omit<ReturnType<typeof readAccessSettings>, 'access'> & { readonly isOpen: boolean };

/** Throws `MILL_INVALID_CONFIGURATION` for a value that is not accepted, and for contradictory settings. */
export function readAccess(openFlag: boolean | undefined, environment: Environment): AccessConfiguration {
  const { access, ...others } = readAccessSettings(environment);
  const { tokens, tokensFile } = accessSettings;
  if (others.tokens !== undefined && others.tokensFile !== undefined)
    refuse(`expected ${tokens.variable} or ${tokensFile.variable}, found both`);
  const isOpen = openFlag === true || access === 'open';
  if (isOpen && (others.tokens ?? others.tokensFile) !== undefined)
    refuse(`expected --open or tokens, found both: with tokens the server may listen on any address`);
  return { ...others, isOpen };
}

/** Reads the tokens, and keeps rereading their file if there is one. Throws `MILL_INVALID_CONFIGURATION`. */
export function accessOptions(configuration: AccessConfiguration, log: Logger): AccessOptions {
  const { tokens, tokensFile, isOpen, metricsAccess, hosts = [] } = configuration;
  const others = { isOpen, hasOpenMetrics: metricsAccess === 'open', hosts };
  if (tokens !== undefined) return { ...others, tokens: tokensIn(tokens, accessSettings.tokens.variable) };
  if (tokensFile === undefined) return others;
  return { ...others, tokens: followTokens(tokensFile, `${accessSettings.tokensFile.variable}: ${tokensFile}`, log) };
}

function readAccessSettings(environment: Environment) {
  return readSettings(accessSettings, environment);
}

function oneOf<const T extends string>(...values: readonly T[]): Values<T> {
  return { accepts: values.join(' or '), read: (value) => values.find((one) => one === value) };
}

function readHosts(value: string): readonly string[] | undefined {
  const names = value.split(',').map((name) => name.trim());
  return names.every((name) => /^[a-z0-9]([a-z0-9._-]{0,252})$/i.test(name)) ? names : undefined;
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message);
}
