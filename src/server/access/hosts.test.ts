import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosts } from './hosts.ts';

const own = [
  'localhost',
  'localhost:8080',
  'LOCALHOST',
  'localhost.',
  'api.localhost:1',
  '127.0.0.1',
  '127.0.0.1:8080',
  '[::1]:8080',
  '[::1]',
];
const reached = ['192.168.0.7:8080', 'millrace', 'millrace:8080', 'mill.example.org', 'Mill.Example.org:443', 'mill.example.org.'];
const foreign = [
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'mill.example.org.evil.example',
  'evil.mill.example.org',
  '127.0.0.1@evil.example',
  'evil.example#localhost',
  'mill.example.org..',
];

test('a host passes if it is an address, a name without a dot or one of our names, and otherwise not', () => {
  const hosts = new Hosts(['mill.example.org']);
  // The second answer comes from memory.
  for (const host of [...own, ...reached, ...own, undefined]) assert.equal(hosts.knows(host), true, host ?? 'none');
  for (const host of [...foreign, ...foreign]) assert.equal(hosts.knows(host), false, host);
});

test('a name is known once it is added', () => {
  const hosts = new Hosts();
  assert.equal(hosts.knows('mill.example.org'), false);
  hosts.add('MILL.example.org');
  assert.equal(hosts.knows('mill.example.org:80'), true);
});
