import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountInfo } from './mount-points.ts';

test('mount points are read from Linux’s list, including names with spaces and other special characters', () => {
  const text = `22 27 0:20 / /proc rw,nosuid shared:12 - proc proc rw
36 35 98:0 /mnt1 /a\\040b/mill.db rw,noatime master:1 - ext3 /dev/root rw,errors=continue
37 35 98:0 /x /back\\134slash/é rw - ext4 /dev/vda rw
`;
  const points = parseMountInfo(text);
  for (const path of ['/proc', '/a b/mill.db', '/back\\slash/é']) assert.ok(points.has(path), path);
  assert.ok(!points.has('/mnt1'));
});
