import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Place } from '../../../pipeline/place.ts';
import { addressOf } from './address.ts';

const place: Place = new Place('postgres', 'MILL_INVALID_CONFIGURATION');
const compatible = 'uselibpqcompat=true';

const accepted: readonly [found: string, caFile: string | undefined, url: string][] = [
  ['postgres://h/db', undefined, 'postgres://h/db'],
  ['postgresql://u:p@h:5433/db', undefined, 'postgresql://u:p@h:5433/db'],
  ['postgres://u:p@ss@h/db', undefined, 'postgres://u:p%40ss@h/db'],
  ['postgres://u:100%@h/db', undefined, 'postgres://u:100%25@h/db'],
  ['postgres://u:p%2Fw@h/my db', undefined, 'postgres://u:p%2Fw@h/my%20db'],
  ['postgres://u@[::1]:5433/db', undefined, 'postgres://u@[::1]:5433/db'],
  ['postgres://%2Fvar%2Frun/db', undefined, 'postgres://%2Fvar%2Frun/db'],
  ['postgres:///db?host=/var/run&user=a@b', undefined, 'postgres:///db?host=/var/run&user=a@b'],
  ['postgres://h/db?sslmode=disable', undefined, `postgres://h/db?sslmode=disable&${compatible}`],
  ['postgres://h/db?sslmode=require', undefined, `postgres://h/db?sslmode=require&${compatible}`],
  ['postgres://h/db?sslmode=prefer&sslrootcert=ca.pem', undefined, `postgres://h/db?sslmode=require&sslrootcert=ca.pem&${compatible}`],
  ['postgres://h/db?sslmode=verify-ca&sslrootcert=ca.pem', undefined, `postgres://h/db?sslmode=verify-ca&sslrootcert=ca.pem&${compatible}`],
  ['postgres://h/db', '/ca.pem', `postgres://h/db?sslrootcert=%2Fca.pem&sslmode=verify-full&${compatible}`],
  ['postgres://h/db?sslmode=require', '/ca.pem', `postgres://h/db?sslmode=verify-full&sslrootcert=%2Fca.pem&${compatible}`],
  ['postgres://h/db?sslmode=verify-ca', '/ca.pem', `postgres://h/db?sslmode=verify-ca&sslrootcert=%2Fca.pem&${compatible}`],
];

const refused: readonly [found: unknown, line: string, caFile?: string][] = [
  [undefined, 'postgres: expected a URL postgres://…, found nothing'],
  ['mysql://u:hush@h/db', 'postgres: expected a URL postgres://…, found "mysql://h/db"'],
  ['postgres://u:hush@h:port/db', 'postgres: expected a URL postgres://USER@HOST/NAME, found "postgres://h:port/db"'],
  ...['postgres://u:12/hush@h/db', 'postgres://u:12?hush@h/db', 'postgres://u:12#hush@h/db', 'postgres://u:12?hu=sh@h/db'].map(
    (found): [string, string] => [
      found,
      'postgres: expected a URL with /, ? and # of a user or password written %2F, %3F and %23, found others',
    ],
  ),
  ['postgres://u:hush%E9@h/db', 'postgres: expected a URL with each literal % written %25, found an invalid % in its password'],
  ['postgres://h/db?sslmod=require', 'postgres: sslmod is not a parameter of an address; did you mean sslmode?'],
  ['postgres://h/db?ssl=true', 'postgres: ssl is not a parameter of an address; did you mean sslmode?'],
  ['postgres://h/db?schema=x', 'postgres: schema is not a parameter of an address; did you mean the option schema (DB_SCHEMA)?'],
  ['postgres://h/db?pgbouncer=true', 'postgres: pgbouncer is not a parameter of an address; did you mean the option pooled (DB_POOLED)?'],
  ['postgres://h/db?sslmode=on', 'postgres: sslmode: expected one of disable, prefer, require, verify-ca, verify-full, found "on"'],
  [
    'postgres://h/db?sslmode=verify-ca',
    'postgres: sslmode: expected the file of an authority (caFile, DB_CA_FILE, sslrootcert) with verify-ca',
  ],
  [
    'postgres://h/db?sslmode=disable',
    'postgres: sslmode: expected an encrypting mode for the file of an authority, found disable',
    'ca.pem',
  ],
  ['postgres://h/db?channel_binding=yes', 'postgres: channel_binding: expected disable, prefer or require, found "yes"'],
];

describe('the address of a database', () => {
  for (const [found, caFile, url] of accepted) {
    test(`accepted: ${found}${caFile === undefined ? '' : ` with ${caFile}`}`, () => {
      assert.equal(addressOf(found, { caFile }, place).url, url);
    });
  }

  for (const [found, message, caFile] of refused) {
    test(`refused, without the password: ${found}`, () => {
      assert.throws(() => addressOf(found, { caFile }, place), { code: 'MILL_INVALID_CONFIGURATION', message });
      assert.doesNotMatch(message, /hush/);
    });
  }

  test('messages name the server and the database, but not the user', () => {
    assert.equal(addressOf('postgres://u:p@ss@[::1]:5433/db?sslmode=require', {}, place).name, 'postgres://[::1]:5433/db');
  });

  test('the sign-in is bound to the connection if the address says so', () => {
    const bound = (found: string) => addressOf(found, {}, place).bindsChannel;
    assert.deepEqual(
      ['', '?channel_binding=disable', '?channel_binding=require'].map((query) => bound(`postgres://h/db${query}`)),
      [false, false, true],
    );
  });
});
