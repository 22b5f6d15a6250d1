import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isConnectionFault, isRefusal, stateOf, toStoreError } from './postgres-errors.ts';

/** A socket error of the operating system. */
const ofSocket = (code: string) => Object.assign(new Error(`write ${code}`), { code, errno: -32, syscall: 'write' });
/** An error of the database. */
const ofDatabase = (code: string) => Object.assign(new Error('it says no'), { code, severity: 'ERROR' });

test('a socket error is a connection error, whatever its code looks like', () => {
  for (const code of ['EPIPE', 'EBADF', 'EPERM', 'EBUSY', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'EIO']) {
    const error = ofSocket(code);
    assert.equal(stateOf(error), undefined, code);
    assert.ok(isConnectionFault(error), code);
    assert.ok(!isRefusal(error), code);
    assert.equal(toStoreError(error, 'the database').code, 'MILL_STORE_UNAVAILABLE', code);
  }
});

test('a database error is recognised by its SQLSTATE', () => {
  for (const [code, expected] of [
    ['57P01', 'MILL_STORE_UNAVAILABLE'],
    ['08006', 'MILL_STORE_UNAVAILABLE'],
    ['25P03', 'MILL_STORE_UNAVAILABLE'],
    ['40P01', 'MILL_STORE_BUSY'],
    ['53100', 'MILL_STORE_FULL'],
    ['XX001', 'MILL_STORE_CORRUPT'],
    ['42601', 'MILL_INTERNAL'],
  ] as const) {
    assert.equal(stateOf(ofDatabase(code)), code);
    assert.equal(toStoreError(ofDatabase(code), 'the database').code, expected, code);
  }
  assert.ok(isRefusal(ofDatabase('23505')));
});
