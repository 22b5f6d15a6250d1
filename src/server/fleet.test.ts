import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { version } from '../version.ts';
import { serve } from './fixture.test.ts';

test('a process that has its database to itself is the only member of its fleet', async (t) => {
  const { url } = await serve(t);
  const response = await fetch(`${url}/fleet`);
  assert.equal(response.status, 200);
  const { members, partitions, unowned } = (await response.json()) as {
    members: readonly { id: string; since: string }[];
    partitions: number;
    unowned: number;
  };
  const [member] = members;
  assert.ok(member !== undefined && partitions > 0);
  const { id, since, ...self } = member;
  assert.ok(id !== '' && !Number.isNaN(Date.parse(since)));
  assert.deepEqual(self, { host: hostname(), pid: process.pid, version, partitions, self: true });
  assert.deepEqual([members.length, unowned], [1, 0]);
});
