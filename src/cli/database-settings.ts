import { isIPv6 } from 'node:net';
import { type ConfigurationOf, type Environment, readSetting, readSettings, type Setting } from '../configuration/setting.ts';
import { durationBetween, integerBetween, type Values } from '../configuration/values.ts';
import { MillraceError } from '../errors.ts';
import { sslModes } from '../store/postgres/connection/address.ts';
import type { PostgresOptions } from '../store/postgres/postgres-options.ts';
import type { Database } from './database.ts';

const text: Values<string> = { accepts: 'a text', read: (value) => value };

/** The names of server kinds, for configuration without a URL. */
const types: Readonly<Record<string, 'postgres' | 'mysql'>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
};

/** The default port of MySQL, on which no PostgreSQL listens by default. */
const mysqlPort = 3_306;

/** The parts of a URL as separate variables, for configuration without a URL. */
const partSettings = {
  type: {
    variable: 'DB_TYPE',
    meaning: 'the kind of database server: postgres, or mysql for MySQL and MariaDB',
    values: { accepts: 'postgres, mysql or mariadb', read: (value) => types[value.toLowerCase()] },
    unset: 'postgres',
  },
  host: {
    variable: 'DB_HOST',
    meaning: 'host of the database server, or its socket (for PostgreSQL, the folder of the socket), instead of DATABASE_URL',
    values: { accepts: 'a host name, an IP address or an absolute path', read: readServer },
  },
  port: { variable: 'DB_PORT', meaning: 'its port', values: integerBetween(1, 65_535), unset: '5432; 3306 with DB_TYPE=mysql' },
  user: { variable: 'DB_USER', meaning: 'the user to sign in as', values: text },
  password: { variable: 'DB_PASSWORD', meaning: 'the password of that user', values: text, secret: true },
  name: { variable: 'DB_NAME', meaning: 'name of the database; on PostgreSQL the default is the name of the user', values: text },
} satisfies Record<string, Setting>;

/** Part of the address as well, and allowed beside a URL that does not set it. */
const sslMode = {
  variable: 'DB_SSLMODE',
  meaning: 'encryption of the connection, and verification of the server',
  values: { accepts: `one of ${sslModes.join(', ')}`, read: (value) => sslModes.find((mode) => mode === value) },
  unset: 'disable',
} satisfies Setting;

const serverSettings = {
  maxConnections: {
    variable: 'DB_MAX_OPEN_CONNS',
    meaning: 'maximum connections of a process to the database server',
    values: integerBetween(5, 10_000),
    unset: '10',
  },
  maxIdleConnections: {
    variable: 'DB_MAX_IDLE_CONNS',
    meaning: 'maximum connections that stay open while idle',
    values: integerBetween(0, 10_000),
    unset: '5',
  },
  connectionLifetimeMs: {
    variable: 'DB_CONN_MAX_LIFETIME',
    meaning: 'age at which a connection is replaced, so a fleet finds a new server',
    values: durationBetween('1s', '24h'),
    unset: '30m',
  },
  connectTimeoutMs: {
    variable: 'DB_CONNECT_TIMEOUT',
    meaning: 'time limit for getting a connection, after which requests get 503',
    values: durationBetween('100ms', '10m'),
    unset: '3s',
  },
  statementTimeoutMs: {
    variable: 'DB_STATEMENT_TIMEOUT',
    meaning: 'time limit for a statement',
    values: durationBetween('100ms', '24h'),
    unset: '10s',
  },
  lockTimeoutMs: {
    variable: 'DB_LOCK_TIMEOUT',
    meaning: "time limit for a statement's wait for a lock",
    values: durationBetween('10ms', '24h'),
    unset: '2s',
  },
  caFile: {
    variable: 'DB_CA_FILE',
    meaning: "file of the certificate authorities trusted to sign the server's certificate",
    values: text,
  },
  schema: {
    variable: 'DB_SCHEMA',
    meaning: 'existing schema for all tables; by default the first one of the search path',
    values: text,
  },
  pooled: {
    variable: 'DB_POOLED',
    meaning: 'true: connections go through a pooler in transaction mode, such as PgBouncer',
    values: { accepts: 'true or false', read: (value) => ({ true: true, false: false })[value] },
    unset: 'false',
  },
  partitions: {
    variable: 'DB_PARTITIONS',
    meaning: 'slices per pipeline; fixed for the life of a database',
    values: integerBetween(1, 4_096),
    unset: '32',
  },
} satisfies { readonly [Name in keyof PostgresOptions]?: Setting };

/** The settings to find and use a database server, in the order of the help. */
export const databaseSettings = { ...partSettings, sslMode, ...serverSettings };

/**
 * Returns the database named by the parts of its address, without a URL. Undefined if they name none. Throws `MILL_INVALID_CONFIGURATION`
 * for a value that is not accepted, for parts without a host, and if the kind of server is unclear.
 */
export function databaseOfParts(environment: Environment): Database | undefined {
  const parts = readSettings(partSettings, environment);
  if (parts.host !== undefined) return serverOf({ ...parts, host: parts.host });
  const lonely = Object.values({ ...partSettings, sslMode }).find(({ variable }) => environment[variable]);
  if (lonely === undefined) return undefined;
  const { variable } = partSettings.host;
  throw new MillraceError('MILL_INVALID_CONFIGURATION', `${lonely.variable}: expected ${variable} as well, or a DATABASE_URL instead`);
}

/** Returns the database with the environment's server settings. Throws `MILL_INVALID_CONFIGURATION` for a value that is not accepted. */
export function withServerSettings(database: Database, environment: Environment): Database {
  if (database.kind !== 'postgres' && database.kind !== 'mysql') return database;
  const chosen = Object.entries(readSettings(serverSettings, environment)).filter(([, value]) => value !== undefined);
  if (database.kind === 'mysql') checkOfMysql(new Set(chosen.map(([name]) => name)));
  return { ...database, url: withSslMode(database.url, environment), options: { ...database.options, ...Object.fromEntries(chosen) } };
}

/** Throws `MILL_INVALID_CONFIGURATION` for a setting that MySQL does not support. */
function checkOfMysql(chosen: ReadonlySet<string>): void {
  const { schema, pooled } = serverSettings;
  const [wrong] = Object.entries({ schema, pooled }).filter(([name]) => chosen.has(name));
  if (wrong === undefined) return;
  const [, { variable }] = wrong;
  throw new MillraceError('MILL_INVALID_CONFIGURATION', `${variable}: not supported with MySQL; leave it out`);
}

/** Throws `MILL_INVALID_CONFIGURATION` if the URL has another value: it would be unclear which one applies. */
function withSslMode(url: string, environment: Environment): string {
  const mode = readSetting(sslMode, environment);
  if (mode === undefined) return url;
  const said = /[?&]sslmode=([^&#]*)/.exec(url)?.[1];
  if (said === undefined) return `${url}${url.includes('?') ? '&' : '?'}sslmode=${mode}`;
  if (said === mode) return url;
  throw new MillraceError('MILL_INVALID_CONFIGURATION', `${sslMode.variable}: expected the sslmode of the URL, ${said}, found "${mode}"`);
}

/** A host in brackets is an IPv6 address. */
function readServer(value: string): string | undefined {
  if (value.startsWith('/')) return value;
  const host = /^\[(.+)\]$/.exec(value)?.[1] ?? value;
  return isIPv6(host) || (URL.canParse(`postgres://${host}`) && /^[^\s:/?#@[\]]+$/.test(host)) ? host : undefined;
}

type Parts = ConfigurationOf<typeof partSettings> & { readonly host: string };

function serverOf(parts: Parts): Database {
  const { type, port, name } = parts;
  if (type === undefined && port === mysqlPort)
    refuse(partSettings.type, `expected mysql or postgres with ${mysqlPort}, the port of MySQL`);
  if (type !== 'mysql') return { kind: 'postgres', url: urlOf('postgres', parts), options: {} };
  if (name === undefined) refuse(partSettings.name, 'expected the name of a MySQL database, found none');
  return { kind: 'mysql', url: urlOf('mysql', parts), options: {} };
}

function refuse({ variable }: Setting, message: string): never {
  throw new MillraceError('MILL_INVALID_CONFIGURATION', `${variable}: ${message}`);
}

/** A path is a host to PostgreSQL, and a parameter to MySQL. */
function urlOf(kind: 'postgres' | 'mysql', { host, port, user, password, name }: Parts): string {
  const isSocketOfMysql = kind === 'mysql' && host.startsWith('/');
  const server = isSocketOfMysql ? 'localhost' : host;
  const url = new URL(`${kind}://${isIPv6(server) ? `[${server}]` : encodeURIComponent(server)}`);
  if (isSocketOfMysql) url.searchParams.set('socket', host);
  if (port !== undefined) url.port = String(port);
  if (user !== undefined) url.username = encodeURIComponent(user);
  if (password !== undefined) url.password = encodeURIComponent(password);
  if (name !== undefined) url.pathname = `/${encodeURIComponent(name)}`;
  return String(url);
}
