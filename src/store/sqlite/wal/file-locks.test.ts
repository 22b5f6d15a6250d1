import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockHolders } from './file-locks.ts';

const locks = `1: POSIX  ADVISORY  READ 7998 fe:00:99 124 124
2: POSIX  ADVISORY  READ 7998 fe:00:99 126 126
3: POSIX  ADVISORY  READ 5 fe:00:99 128 128
4: POSIX  ADVISORY  WRITE 6 fe:00:99 120 123
5: POSIX  ADVISORY  READ 7 fe:00:98 124 124
6: FLOCK  ADVISORY  WRITE 8 fe:00:99 0 EOF
7: OFDLCK ADVISORY  READ -1 fe:00:99 124 124
8: POSIX  ADVISORY  READ 0 fe:00:99 124 124
8: -> POSIX  ADVISORY  WRITE 9 fe:00:99 124 124
`;

test('the holders of a lock are the processes that have it on one of the bytes, not those waiting for it', () => {
  assert.deepEqual(lockHolders(locks, { inode: 99, from: 123, to: 127 }), [7998, 6]);
  assert.deepEqual(lockHolders(locks, { inode: 99, from: 123, to: 127, kind: 'WRITE' }), [6]);
  assert.deepEqual(lockHolders(locks, { inode: 97, from: 123, to: 127 }), []);
});
