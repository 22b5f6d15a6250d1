import assert from 'node:assert/strict';
import test from 'node:test';
import { readSettings } from '../../src/configuration/setting.ts';
import { MillraceError } from '../../src/index.ts';
import type { Environment } from '../../src/server/index.ts';
import { redisPlace, settings } from './settings.ts';

const redisOf = (environment: Environment) => redisPlace(readSettings(settings, environment));

test('without REDIS_URL and REDIS_HOST there is no Redis', () => {
  assert.equal(redisOf({ REDIS_PORT: '7000', REDIS_PASSWORD: 'hush' }), undefined);
});

test('Redis is found by its URL or its host; other settings supply what the URL does not', () => {
  const others = { REDIS_HOST: 'far.example', REDIS_PORT: '7000', REDIS_PASSWORD: 'hush', REDIS_DB: '5' };
  assert.deepEqual(redisOf(others), { host: 'far.example', port: 7000, password: 'hush', db: 5 });
  assert.deepEqual(redisOf({ ...others, REDIS_URL: 'rediss://ann:p%40ss@near.example:7001/2' }), {
    host: 'near.example',
    port: 7001,
    username: 'ann',
    password: 'p@ss',
    db: 2,
    tls: true,
  });
  assert.equal(redisOf({ REDIS_URL: 'redis://:100%@near.example' })?.password, '100%');
  assert.equal(redisOf({ REDIS_URL: 'redis://near.example/' })?.db, 0);
  const bare = { username: undefined, tls: false };
  assert.deepEqual(redisOf({ ...others, REDIS_URL: 'redis://[::1]' }), { host: '::1', port: 7000, password: 'hush', db: 5, ...bare });
});

test('a refused setting is named, without showing a secret', () => {
  for (const [environment, message] of [
    [{ SCHEDULER_INTERVAL: '0' }, 'SCHEDULER_INTERVAL: expected a duration up to 168h, such as 500ms, 10s or 2m, not 0, found "0"'],
    [{ MESSAGE_BATCH_SIZE: '0' }, 'MESSAGE_BATCH_SIZE: expected an integer from 1 to 10000, found "0"'],
    [{ MESSAGE_MAX_ATTEMPTS: '-1' }, 'MESSAGE_MAX_ATTEMPTS: expected an integer from 1 to 1000, found "-1"'],
    [{ SMS_PROVIDER_URL: 'ftp://x' }, 'SMS_PROVIDER_URL: expected a URL that begins with http:// or https://, found "ftp://x"'],
    [{ SMS_PROVIDER_KEY: 'a\nb' }, 'SMS_PROVIDER_KEY: expected printable ASCII, as in a header, found a value that is not shown'],
    ...['http://:hush@x', 'redis://x/cache', 'redis://x/1/2', 'redis://x?db=3', 'redis://x/1#2', 'redis://x:0', 'redis://'].map(
      (REDIS_URL) =>
        [
          { REDIS_URL },
          'REDIS_URL: expected redis:// or rediss:// with a host, and at most a port, a user, a password, and a number as its database, such as redis://HOST:6379/0, found a value that is not shown',
        ] as const,
    ),
    [{ REDIS_HOST: 'a b' }, 'REDIS_HOST: expected a host name or an IP address, found "a b"'],
    [{ REDIS_PORT: '0' }, 'REDIS_PORT: expected an integer from 1 to 65535, found "0"'],
  ] as const) {
    assert.throws(
      () => readSettings(settings, environment),
      (error) => error instanceof MillraceError && error.code === 'MILL_INVALID_CONFIGURATION' && error.message === message,
      message,
    );
  }
});
