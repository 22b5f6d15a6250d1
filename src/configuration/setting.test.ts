import assert from 'node:assert/strict';
import test from 'node:test';
import { MillraceError } from '../errors.ts';
import { readSettings } from './setting.ts';
import { durationBetween, durationUpTo, integerBetween, type Values } from './values.ts';

const anything: Values<string> = { accepts: 'a word', read: (text) => (/^\w+$/.test(text) ? text : undefined) };

const settings = {
  workers: { variable: 'WORKERS', meaning: 'workers', values: integerBetween(1, 10), otherwise: '3' },
  pauseMs: { variable: 'PAUSE', meaning: 'pause', values: durationUpTo('1h'), otherwise: '5s' },
  proxy: { variable: 'PROXY', meaning: 'proxy', values: anything },
  password: { variable: 'PASSWORD', meaning: 'password', values: anything, secret: true },
} as const;

test('each setting has the value of its variable, or its default', () => {
  assert.deepEqual(readSettings(settings, {}), { workers: 3, pauseMs: 5000, proxy: undefined, password: undefined });
  const set = { WORKERS: '10', PAUSE: '2m', PROXY: 'near', PASSWORD: 'hush' };
  assert.deepEqual(readSettings(settings, set), { workers: 10, pauseMs: 120_000, proxy: 'near', password: 'hush' });
  assert.deepEqual(readSettings(settings, { WORKERS: '', PROXY: '' }).workers, 3);
});

test('a default may be an empty text', () => {
  const any: Values<string> = { accepts: 'any text', read: (text) => text };
  assert.deepEqual(readSettings({ prefix: { variable: 'PREFIX', meaning: 'prefix', values: any, otherwise: '' } }, {}), { prefix: '' });
});

test('a duration between two bounds accepts no shorter or longer one, and no other text', () => {
  const { read } = durationBetween('0s', '1m');
  assert.deepEqual([read('0s'), read('60s'), read('61s'), read('a while')], [0, 60_000, undefined, undefined]);
  assert.deepEqual([durationBetween('1s', '1m').read('999ms'), durationBetween('1s', '1m').read('1s')], [undefined, 1_000]);
});

test('the values have the types of their settings', () => {
  const { workers, proxy } = readSettings(settings, {});
  const number: number = workers;
  const word: string | undefined = proxy;
  // @ts-expect-error: nothing holds otherwise
  const certain: string = proxy;
  assert.deepEqual([number, word, certain], [3, undefined, undefined]);
});

test('nothing starts without a required setting', () => {
  const required = { key: { variable: 'KEY', meaning: 'key', values: anything, required: true, secret: true } } as const;
  const key: string = readSettings(required, { KEY: 'hush' }).key;
  assert.equal(key, 'hush');
  for (const environment of [{}, { KEY: '' }]) {
    assert.throws(
      () => readSettings(required, environment),
      (error) => error instanceof MillraceError && error.message === 'KEY: expected a word; the variable is not set',
    );
  }
});

test('a refused value is reported with its variable and the accepted values, but a secret is not shown', () => {
  const refused: readonly [Readonly<Record<string, string>>, string][] = [
    [{ WORKERS: '11' }, 'WORKERS: expected an integer from 1 to 10, found "11"'],
    [{ PAUSE: '61m' }, 'PAUSE: expected a duration up to 1h, such as 500ms, 10s or 2m, found "61m"'],
    [{ PASSWORD: 'hush hush' }, 'PASSWORD: expected a word, found a value that is not shown'],
  ];
  for (const [environment, message] of refused) {
    assert.throws(
      () => readSettings(settings, environment),
      (error) => error instanceof MillraceError && error.code === 'MILL_INVALID_CONFIGURATION' && error.message === message,
    );
  }
});
