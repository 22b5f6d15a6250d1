import { readFileSync, statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { parseEnv } from 'node:util';
import { type Environment, readSetting, type Setting } from '../configuration/setting.ts';
import { durationUpTo, integerBetween, readValue } from '../configuration/values.ts';
import type { Limits } from '../engine/limits.ts';
import { MillraceError, messageOf } from '../errors.ts';
import type { HttpLimits } from '../server/http-limits.ts';
import { type LogLevel, logLevels } from '../telemetry/logger.ts';
import { type AccessConfiguration, readAccess } from './access-settings.ts';
import { acceptedDatabases, type Database, readDatabase } from './database.ts';
import { databaseOfParts, withServerSettings } from './database-settings.ts';
import { readLimits } from './limit-settings.ts';
import { UsageError } from './usage-error.ts';

/** The configuration of `serve`. */
export interface Configuration {
  /** Undefined: nobody chose one. */
  readonly port: number | undefined;
  readonly host: string;
  readonly database: Database;
  readonly logLevel: LogLevel;
  readonly shutdownTimeoutMs: number;
  readonly limits: Limits;
  readonly http: HttpLimits;
  readonly access: AccessConfiguration;
}

/** A setting that may also have a flag, which takes precedence over the variable. */
interface FlaggedSetting<T> extends Setting<T> {
  readonly flag?: string;
}

/** The default port when nobody chose one and no system served alone has its own. */
export const usualPort = 8080;

const port = {
  variable: 'PORT',
  flag: '--port',
  meaning: 'port to listen on; 0 picks a free one',
  values: integerBetween(0, 65_535),
  unset: `${usualPort}; a system served alone uses its own`,
} satisfies FlaggedSetting<number>;

const host = {
  variable: 'HOST',
  flag: '--host',
  meaning: 'address to listen on; 0.0.0.0 or :: for all',
  values: { accepts: 'an IP address or a host name', read: readHost },
  otherwise: '127.0.0.1',
} satisfies FlaggedSetting<string>;

const database = {
  variable: 'DATABASE_URL',
  flag: '--database',
  meaning: 'the database for events, states and tables',
  values: { accepts: acceptedDatabases, read: readDatabase },
  otherwise: 'sqlite:./data/millrace.db',
} satisfies FlaggedSetting<Database>;

const logLevel = {
  variable: 'LOG_LEVEL',
  meaning: 'the least severe level logged to stderr',
  values: { accepts: `one of ${logLevels.join(', ')}`, read: (text) => logLevels.find((level) => level === text.toLowerCase()) },
  otherwise: 'info',
} satisfies FlaggedSetting<LogLevel>;

const shutdownTimeoutMs = {
  variable: 'SHUTDOWN_TIMEOUT',
  meaning: 'time limit for a stop',
  values: durationUpTo('24h'),
  otherwise: '10s',
} satisfies FlaggedSetting<number>;

/** The settings that apply to everything served, except limits and access, in the order of the help. */
export const settings: readonly Setting[] = [port, host, database, logLevel, shutdownTimeoutMs];

/** The values of the flags, as typed. */
export interface Flags {
  readonly port?: string | undefined;
  readonly host?: string | undefined;
  readonly database?: string | undefined;
  readonly open?: boolean | undefined;
}

/**
 * Flag over variable over default. Throws `UsageError` for a flag and `MILL_INVALID_CONFIGURATION` for a variable with a value that is not
 * accepted; both name it, the value, and the accepted values.
 */
export function readConfiguration(flags: Flags, environment: Environment): Configuration {
  return {
    port: chosen(port, flags.port, environment),
    host: chosen(host, flags.host, environment),
    database: readDatabaseSetting(flags.database, environment),
    logLevel: readSetting(logLevel, environment),
    shutdownTimeoutMs: readSetting(shutdownTimeoutMs, environment),
    access: readAccess(flags.open, environment),
    ...readLimits(environment),
  };
}

/** Returns the address at which this machine reaches a server that reads these variables; without a port if nobody chose one. */
export function readAddress(environment: Environment): { readonly host: string; readonly port: number | undefined } {
  const address = readSetting(host, environment);
  const reachable = [host.otherwise, '0.0.0.0', '::'].includes(address) ? 'localhost' : address;
  return { host: isIPv6(reachable) ? `[${reachable}]` : reachable, port: readSetting(port, environment) };
}

/** Reads the log level, for a command that reads no other setting. */
export function readLogLevel(environment: Environment): LogLevel {
  return readSetting(logLevel, environment);
}

/** Returns the database named by the flag, ignoring variables; undefined without the flag. Throws `UsageError`. */
export function readDatabaseFlag(flag: string | undefined, environment: Environment): Database | undefined {
  const { otherwise: _, ...optional } = database;
  const named = chosen(optional, flag, {});
  return named && withServerSettings(named, environment);
}

/** Returns the database named by a flag other than `--database`. Throws `UsageError`. */
export function readNamedDatabase(flag: string, text: string, environment: Environment): Database {
  const named = readValue(database.values, text, (message) => new UsageError(`${flag}: ${message}`));
  return withServerSettings(named, environment);
}

/**
 * Returns the database: flag over `DATABASE_URL` over the variables of its parts over default, with the environment's server settings.
 * Throws like {@link readConfiguration}.
 */
export function readDatabaseSetting(flag: string | undefined, environment: Environment): Database {
  const isNamed = flag || environment[database.variable];
  const parts = isNamed ? undefined : databaseOfParts(environment);
  return withServerSettings(parts ?? chosen(database, flag, environment), environment);
}

/** Returns the variables of the process over those of `./.env`. Throws `MILL_INVALID_CONFIGURATION` if that file cannot be read. */
export function readEnvironment(processVariables: Environment): Environment {
  const set = Object.entries(processVariables).filter(([, value]) => value !== undefined && value !== '');
  return { ...readDotEnv('.env'), ...Object.fromEntries(set) };
}

function readDotEnv(path: string): Environment {
  try {
    // A folder of that name belongs to something else.
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return {};
    // The byte-order mark that some editors add is not part of the first variable's name.
    return parseEnv(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const message = `${path}: cannot be read: ${messageOf(error)}; make it readable for this user, or start in another folder`;
    throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause: error });
  }
}

function chosen<T>(setting: FlaggedSetting<T> & { readonly otherwise: string }, flag: string | undefined, environment: Environment): T;
function chosen<T>(setting: FlaggedSetting<T>, flag: string | undefined, environment: Environment): T | undefined;
function chosen<T>(setting: FlaggedSetting<T>, flag: string | undefined, environment: Environment): T | undefined {
  if (flag === undefined || flag === '') return readSetting(setting, environment);
  return readValue(setting.values, flag, (message) => new UsageError(`${setting.flag}: ${message}`));
}

function readHost(text: string): string | undefined {
  const address = /^\[(.+)\]$/.exec(text)?.[1] ?? text;
  return isIPv6(address) || /^[a-z0-9]([a-z0-9._-]{0,252})$/i.test(address) ? address : undefined;
}
