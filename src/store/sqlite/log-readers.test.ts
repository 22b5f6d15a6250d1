import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readersIn } from './log-readers.ts';

test('readers of the log are the processes with a lock on its index that only readers have', () => {
  const locks = `1: POSIX  ADVISORY  READ 7998 fe:00:99 124 124
2: POSIX  ADVISORY  READ 7998 fe:00:99 126 126
3: POSIX  ADVISORY  READ 5 fe:00:99 128 128
4: POSIX  ADVISORY  WRITE 6 fe:00:99 120 120
5: POSIX  ADVISORY  READ 7 fe:00:98 124 124
6: FLOCK  ADVISORY  WRITE 8 fe:00:99 0 EOF
7: OFDLCK ADVISORY  READ -1 fe:00:99 124 124
8: POSIX  ADVISORY  READ 0 fe:00:99 124 124
8: -> POSIX  ADVISORY  WRITE 9 fe:00:99 124 124
`;
  assert.deepEqual(readersIn(locks, 99), [7998]);
});
