import assert from 'node:assert/strict';
import test from 'node:test';
import { inheritedFlags } from './inherited-flags.ts';

test('a thread inherits the flags for loading modules, with their values, and no others', () => {
  const flags = [
    '--input-type=module',
    '--import',
    'tsx',
    '--inspect',
    '-r',
    './hooks.cjs',
    '--conditions=development',
    '--eval',
    'x',
    '-C',
  ];
  assert.deepEqual(inheritedFlags(flags), ['--import', 'tsx', '-r', './hooks.cjs', '--conditions=development']);
});
