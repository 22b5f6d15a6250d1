import { readFileSync, statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { parseEnv } from 'node:util';
import { MillraceError, messageOf } from '../errors.ts';
import { type LogLevel, logLevels } from '../telemetry/log.ts';
import { acceptedDatabases, type Database, readDatabase } from './database.ts';
import { UsageError } from './usage-error.ts';
import { durationUpTo, integerBetween, type Read, shown } from './values.ts';

/** What `serve` runs with. */
export interface Configuration {
  /** Undefined: nobody chose one. */
  readonly port: number | undefined;
  readonly host: string;
  readonly database: Database;
  readonly logLevel: LogLevel;
  readonly shutdownTimeoutMs: number;
  /** Undefined: the engine's default backlog. */
  readonly queueSize: number | undefined;
}

/** Variables by name; one that is missing or empty is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One thing that can be set: by a variable, some also by a flag. */
export interface Setting<T> {
  readonly variable: string;
  readonly flag?: string;
  /** For the help: what it is for, and what holds when nobody sets it. */
  readonly meaning: string;
  readonly otherwise: string;
  /** For the line that refuses a value: what would have been accepted in its place. */
  readonly accepts: string | ((refused: string) => string);
  readonly read: Read<T>;
}

const port: Setting<number> = {
  variable: 'PORT',
  flag: '--port',
  meaning: 'port to listen on; 0 picks a free one',
  otherwise: '8080; for a system served alone its own',
  accepts: 'an integer from 0 to 65535',
  read: integerBetween(0, 65_535),
};

const host: Setting<string> = {
  variable: 'HOST',
  flag: '--host',
  meaning: 'address to listen on; 0.0.0.0 or :: for all',
  otherwise: '127.0.0.1',
  accepts: 'an IP address or a host name',
  read: readHost,
};

const database: Setting<Database> = {
  variable: 'DATABASE_URL',
  flag: '--database',
  meaning: 'where events, states and tables are kept',
  otherwise: 'sqlite:./data/millrace.db',
  accepts: acceptedDatabases,
  read: readDatabase,
};

const logLevel: Setting<LogLevel> = {
  variable: 'LOG_LEVEL',
  meaning: 'what is logged to stderr',
  otherwise: 'info',
  accepts: `one of ${logLevels.join(', ')}`,
  read: (text) => logLevels.find((level) => level === text.toLowerCase()),
};

const shutdownTimeoutMs: Setting<number> = {
  variable: 'SHUTDOWN_TIMEOUT',
  meaning: 'how long a stop may take',
  otherwise: '10s',
  accepts: 'a duration up to 24h, such as 500ms, 10s or 2m',
  read: durationUpTo(24 * 60 * 60 * 1000),
};

const queueSize: Setting<number> = {
  variable: 'QUEUE_SIZE',
  meaning: 'accepted events of a pipeline that may wait; more are refused with 503',
  otherwise: '100000',
  accepts: 'an integer from 1 to 100000000',
  read: integerBetween(1, 100_000_000),
};

/** Every setting, in the order of the help. */
export const settings: readonly Setting<unknown>[] = [port, host, database, logLevel, shutdownTimeoutMs, queueSize];

/** What flags can say, as typed. */
export interface Flags {
  readonly port?: string | undefined;
  readonly host?: string | undefined;
  readonly database?: string | undefined;
}

/**
 * Flag over variable over default. Throws `UsageError` for a flag and `MILL_INVALID_CONFIGURATION` for a variable whose
 * value is not accepted; both name it, the value, and what is accepted.
 */
export function readConfiguration(flags: Flags, environment: Environment): Configuration {
  return {
    port: chosen(port, flags.port, environment),
    host: chosen(host, flags.host, environment) ?? '127.0.0.1',
    database: chosen(database, flags.database, environment) ?? { kind: 'sqlite', path: './data/millrace.db' },
    logLevel: chosen(logLevel, undefined, environment) ?? 'info',
    shutdownTimeoutMs: chosen(shutdownTimeoutMs, undefined, environment) ?? 10_000,
    queueSize: chosen(queueSize, undefined, environment),
  };
}

/** The variables of the process over those of `./.env`. Throws `MILL_INVALID_CONFIGURATION` when that file cannot be read. */
export function readEnvironment(processVariables: Environment): Environment {
  const set = Object.entries(processVariables).filter(([, value]) => value !== undefined && value !== '');
  return { ...readDotEnv('.env'), ...Object.fromEntries(set) };
}

function readDotEnv(path: string): Environment {
  // A folder of that name is someone else's.
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return {};
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function chosen<T>(setting: Setting<T>, flag: string | undefined, environment: Environment): T | undefined {
  if (flag !== undefined && flag !== '') return accepted(setting, flag, (message) => new UsageError(`${setting.flag}: ${message}`));
  const text = environment[setting.variable];
  if (text === undefined || text === '') return undefined;
  return accepted(setting, text, (message) => new MillraceError('MILL_INVALID_CONFIGURATION', `${setting.variable}: ${message}`));
}

function accepted<T>(setting: Setting<T>, text: string, refusal: (message: string) => Error): T {
  const value = setting.read(text);
  if (value !== undefined) return value;
  const accepts = typeof setting.accepts === 'string' ? setting.accepts : setting.accepts(text);
  throw refusal(`expected ${accepts}, found ${shown(text)}`);
}

function readHost(text: string): string | undefined {
  const address = /^\[(.+)\]$/.exec(text)?.[1] ?? text;
  return isIPv6(address) || /^[a-z0-9]([a-z0-9._-]{0,252})$/i.test(address) ? address : undefined;
}
