import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { Environment } from '../configuration/setting.ts';
import { defaultLimits } from '../engine/limits.ts';
import { MillraceError } from '../errors.ts';
import { httpLimits } from '../server/http-limits.ts';
import type { MysqlOptions } from '../store/mysql/mysql-options.ts';
import type { PostgresOptions } from '../store/postgres/postgres-options.ts';
import { type Flags, readConfiguration, readEnvironment } from './configuration.ts';
import { UsageError } from './usage-error.ts';

const defaults = {
  port: undefined,
  host: '127.0.0.1',
  database: { kind: 'sqlite', path: './data/millrace.db' },
  logLevel: 'info',
  shutdownTimeoutMs: 10_000,
  limits: defaultLimits,
  http: httpLimits,
  access: { tokens: undefined, tokensFile: undefined, metricsAccess: 'tokens', hosts: undefined, isOpen: false },
};

test('without any settings the defaults apply', () => {
  assert.deepEqual(readConfiguration({}, {}), defaults);
});

test('a flag takes precedence over a variable', () => {
  const configuration = readConfiguration(
    { port: '1', host: '::1', database: 'a.db' },
    { PORT: '2', HOST: 'localhost', DATABASE_URL: 'b.db' },
  );
  assert.deepEqual(configuration, { ...defaults, port: 1, host: '::1', database: { kind: 'sqlite', path: 'a.db' } });
});

test('an empty value counts as unset', () => {
  assert.deepEqual(
    readConfiguration({ port: '' }, { PORT: '', HOST: '', DATABASE_URL: '', LOG_LEVEL: '', SHUTDOWN_TIMEOUT: '', QUEUE_SIZE: '' }),
    defaults,
  );
});

const postgres = (url: string, options: PostgresOptions = {}) => ({ kind: 'postgres', url, options }) as const;
const mysql = (url: string, options: MysqlOptions = {}) => ({ kind: 'mysql', url, options }) as const;

const accepted: readonly [Environment, Partial<ReturnType<typeof readConfiguration>>][] = [
  [{ PORT: '0' }, { port: 0 }],
  [{ PORT: '65535' }, { port: 65_535 }],
  [{ HOST: '0.0.0.0' }, { host: '0.0.0.0' }],
  [{ HOST: '[::]' }, { host: '::' }],
  [{ HOST: 'mill.example.org' }, { host: 'mill.example.org' }],
  [{ LOG_LEVEL: 'DEBUG' }, { logLevel: 'debug' }],
  [{ LOG_LEVEL: 'silent' }, { logLevel: 'silent' }],
  [{ SHUTDOWN_TIMEOUT: '500ms' }, { shutdownTimeoutMs: 500 }],
  [{ SHUTDOWN_TIMEOUT: '1.5s' }, { shutdownTimeoutMs: 1500 }],
  [{ SHUTDOWN_TIMEOUT: '2m' }, { shutdownTimeoutMs: 120_000 }],
  [{ SHUTDOWN_TIMEOUT: '0' }, { shutdownTimeoutMs: 0 }],
  [{ QUEUE_SIZE: '5' }, { limits: { ...defaultLimits, backlog: 5 } }],
  [{ DATABASE_URL: 'memory:' }, { database: { kind: 'memory' } }],
  [{ DATABASE_URL: 'sqlite:./x.db' }, { database: { kind: 'sqlite', path: './x.db' } }],
  [{ DATABASE_URL: 'sqlite:x' }, { database: { kind: 'sqlite', path: 'x' } }],
  [{ DATABASE_URL: 'sqlite:/var/x.db' }, { database: { kind: 'sqlite', path: '/var/x.db' } }],
  [{ DATABASE_URL: 'sqlite:///var/x.db' }, { database: { kind: 'sqlite', path: '/var/x.db' } }],
  [{ DATABASE_URL: 'postgres://me:hush@host:5433/db' }, { database: postgres('postgres://me:hush@host:5433/db') }],
  [{ DATABASE_URL: 'postgresql://host/db?sslmode=require' }, { database: postgres('postgresql://host/db?sslmode=require') }],
  [{ DB_HOST: 'db.internal' }, { database: postgres('postgres://db.internal') }],
  [
    { DB_HOST: '::1', DB_PORT: '5433', DB_USER: 'm@e', DB_PASSWORD: 'h/u:sh?', DB_NAME: 'my db', DB_SSLMODE: 'verify-full' },
    { database: postgres('postgres://m%40e:h%2Fu%3Ash%3F@[::1]:5433/my%20db?sslmode=verify-full') },
  ],
  [{ DB_HOST: '[::1]' }, { database: postgres('postgres://[::1]') }],
  [{ DB_HOST: '/var/run/postgresql', DB_NAME: 'db' }, { database: postgres('postgres://%2Fvar%2Frun%2Fpostgresql/db') }],
  [{ DB_TYPE: 'PostgreSQL', DB_HOST: 'h', DB_PORT: '3306' }, { database: postgres('postgres://h:3306') }],
  [{ DB_TYPE: 'mysql', DB_HOST: 'h', DB_NAME: 'db' }, { database: mysql('mysql://h/db') }],
  [
    {
      DB_TYPE: 'mariadb',
      DB_HOST: '::1',
      DB_PORT: '3307',
      DB_USER: 'm@e',
      DB_PASSWORD: 'h/u:sh?',
      DB_NAME: 'my db',
      DB_SSLMODE: 'require',
    },
    { database: mysql('mysql://m%40e:h%2Fu%3Ash%3F@[::1]:3307/my%20db?sslmode=require') },
  ],
  [
    { DB_TYPE: 'mysql', DB_HOST: '/run/mysqld/mysqld.sock', DB_NAME: 'db', DB_SSLMODE: 'disable', DB_PARTITIONS: '8' },
    { database: mysql('mysql://localhost/db?socket=%2Frun%2Fmysqld%2Fmysqld.sock&sslmode=disable', { partitions: 8 }) },
  ],
  [{ DATABASE_URL: 'postgres://h/db', DB_SSLMODE: 'require' }, { database: postgres('postgres://h/db?sslmode=require') }],
  [
    { DATABASE_URL: 'postgres://h/db?application_name=a', DB_SSLMODE: 'require' },
    { database: postgres('postgres://h/db?application_name=a&sslmode=require') },
  ],
  [{ DATABASE_URL: 'postgres://h/db?sslmode=require', DB_SSLMODE: 'require' }, { database: postgres('postgres://h/db?sslmode=require') }],
  [{ DATABASE_URL: 'x.db', DB_HOST: 'ignored', DB_MAX_OPEN_CONNS: '20' }, { database: { kind: 'sqlite', path: 'x.db' } }],
  [
    {
      DATABASE_URL: 'postgres://h/db',
      ...{ DB_MAX_OPEN_CONNS: '20', DB_MAX_IDLE_CONNS: '0', DB_CONN_MAX_LIFETIME: '5m', DB_CONNECT_TIMEOUT: '500ms' },
      ...{ DB_STATEMENT_TIMEOUT: '30s', DB_LOCK_TIMEOUT: '1s', DB_CA_FILE: './ca.pem', DB_SCHEMA: 'mill', DB_POOLED: 'true' },
      DB_PARTITIONS: '8',
    },
    {
      database: postgres('postgres://h/db', {
        ...{ maxConnections: 20, maxIdleConnections: 0, connectionLifetimeMs: 300_000, connectTimeoutMs: 500 },
        ...{ statementTimeoutMs: 30_000, lockTimeoutMs: 1_000, caFile: './ca.pem', schema: 'mill', pooled: true, partitions: 8 },
      }),
    },
  ],
  [{ DATABASE_URL: 'sqlite://./x.db' }, { database: { kind: 'sqlite', path: './x.db' } }],
  [{ DATABASE_URL: 'data/with space.sqlite' }, { database: { kind: 'sqlite', path: 'data/with space.sqlite' } }],
];

for (const [environment, expected] of accepted) {
  test(`accepted: ${JSON.stringify(environment)}`, () => {
    assert.deepEqual(readConfiguration({}, environment), { ...defaults, ...expected });
  });
}

const port = 'expected an integer from 0 to 65535';
const host = 'expected an IP address or a host name';
const database = 'expected postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, a path ending in .db or .sqlite, or memory:';
const duration = 'expected a duration up to 24h, such as 500ms, 10s or 2m';

const refused: readonly [Environment, string][] = [
  ...['abc', '-1', '65536', '80.5', '0x50', '1e3', ' '].map((value): [Environment, string] => [
    { PORT: value },
    `PORT: ${port}, found ${JSON.stringify(value)}`,
  ]),
  ...['a b', 'http://a', 'localhost:80', '-a'].map((value): [Environment, string] => [{ HOST: value }, `HOST: ${host}, found "${value}"`]),
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, found "loud"'],
  ...['10', '-1s', 'soon', '1d', '25h', '5 s'].map((value): [Environment, string] => [
    { SHUTDOWN_TIMEOUT: value },
    `SHUTDOWN_TIMEOUT: ${duration}, found "${value}"`,
  ]),
  ...['0', 'many', '-5'].map((value): [Environment, string] => [
    { QUEUE_SIZE: value },
    `QUEUE_SIZE: expected an integer from 1 to 100000000, found "${value}"`,
  ]),
  ...['sqlite:', 'sqlite://', 'sqlite::memory:', 'sqlite:x.db?mode=ro', 'redis://x', 'mongodb://h/x.db', 'memory', './data'].map(
    (value): [Environment, string] => [{ DATABASE_URL: value }, `DATABASE_URL: ${database}, found "${value}"`],
  ),
  [{ DATABASE_URL: 'redis://u:p:@ss@host/1' }, `DATABASE_URL: ${database}, found "redis://u:***@host/1"`],
  [{ DATABASE_URL: 'redis://host?password=hush&a=b' }, `DATABASE_URL: ${database}, found "redis://host?password=***&a=b"`],
  [{ DATABASE_URL: 'postgres://me:hush@host:port/db' }, `DATABASE_URL: ${database}, found "postgres://me:***@host:port/db"`],
  [{ DB_USER: 'me' }, 'DB_USER: expected DB_HOST as well, or a DATABASE_URL instead'],
  [{ DB_TYPE: 'mysql' }, 'DB_TYPE: expected DB_HOST as well, or a DATABASE_URL instead'],
  [{ DB_TYPE: 'oracle', DB_HOST: 'h' }, 'DB_TYPE: expected postgres, mysql or mariadb, found "oracle"'],
  [{ DB_HOST: 'h', DB_PORT: '3306' }, 'DB_TYPE: expected mysql or postgres with 3306, the port of MySQL'],
  [{ DB_TYPE: 'mysql', DB_HOST: 'h' }, 'DB_NAME: expected the name of a MySQL database, found none'],
  [{ DB_TYPE: 'mysql', DB_HOST: 'h', DB_NAME: 'db', DB_POOLED: 'true' }, 'DB_POOLED: not supported with MySQL; leave it out'],
  [{ DB_HOST: 'h', DB_PORT: '0' }, 'DB_PORT: expected an integer from 1 to 65535, found "0"'],
  [{ DB_HOST: 'h', DB_SSLMODE: 'on' }, 'DB_SSLMODE: expected one of disable, prefer, require, verify-ca, verify-full, found "on"'],
  [{ DATABASE_URL: 'postgres://h/db', DB_MAX_OPEN_CONNS: '4' }, 'DB_MAX_OPEN_CONNS: expected an integer from 5 to 10000, found "4"'],
  [
    { DATABASE_URL: 'postgres://h/db?sslmode=disable', DB_SSLMODE: 'require' },
    'DB_SSLMODE: expected the sslmode of the URL, disable, found "require"',
  ],
  ...['h:5432', 'a b', 'postgres://h', 'u@h'].map((value): [Environment, string] => [
    { DB_HOST: value },
    `DB_HOST: expected a host name, an IP address or an absolute path, found "${value}"`,
  ]),
  [{ DATABASE_URL: 'postgres://h/db', DB_POOLED: 'yes' }, 'DB_POOLED: expected true or false, found "yes"'],
  [{ DATABASE_URL: 'mysql://h/db', DB_SCHEMA: 'mill' }, 'DB_SCHEMA: not supported with MySQL; leave it out'],
  [{ DATABASE_URL: 'redis://host/db' }, `DATABASE_URL: ${database}, found "redis://host/db"`],
  [{ DATABASE_URL: 'two\nlines' }, `DATABASE_URL: ${database}, found "two\\nlines"`],
];

for (const [environment, message] of refused) {
  test(`refused in one line that names the variable: ${JSON.stringify(environment)}`, () => {
    assert.throws(
      () => readConfiguration({}, environment),
      (error) => {
        assert.ok(error instanceof MillraceError);
        assert.equal(error.code, 'MILL_INVALID_CONFIGURATION');
        assert.equal(error.message, message);
        return true;
      },
    );
  });
}

test('a refused flag is a usage error that names the flag', () => {
  const flags: readonly [Flags, string][] = [
    [{ port: 'x' }, `--port: ${port}, found "x"`],
    [{ host: 'a b' }, `--host: ${host}, found "a b"`],
    [{ database: 'x' }, `--database: ${database}, found "x"`],
  ];
  for (const [flag, message] of flags) assert.throws(() => readConfiguration(flag, {}), { name: UsageError.name, message });
});

test('the environment takes precedence over the .env file, but an empty variable does not', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  const before = process.cwd();
  context.after(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  process.chdir(folder);
  assert.deepEqual(readEnvironment({ PORT: '1' }), { PORT: '1' });

  writeFileSync('.env', '# ports\nPORT=2 # mine\nHOST="::1"\nLOG_LEVEL=warn\n');
  assert.deepEqual(readEnvironment({ PORT: '1', LOG_LEVEL: '' }), { PORT: '1', HOST: '::1', LOG_LEVEL: 'warn' });

  writeFileSync('.env', '\uFEFFSMS_PROVIDER_URL=https://sms.example\nPORT=2\n');
  assert.deepEqual(readEnvironment({}), { SMS_PROVIDER_URL: 'https://sms.example', PORT: '2' });

  rmSync('.env');
  mkdirSync('.env');
  assert.deepEqual(readEnvironment({ PORT: '1' }), { PORT: '1' });
});
