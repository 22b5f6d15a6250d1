import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { databaseSettings } from './database-settings.ts';

test('docs/postgres.md lists every setting of a database server with its default', () => {
  const text = readFileSync(fileURLToPath(new URL('../../docs/postgres.md', import.meta.url)), 'utf8');
  const [, table = ''] = text.split('## Settings');
  for (const { variable, ...setting } of Object.values(databaseSettings)) {
    const row = table.split('\n').find((line) => line.split('|')[1]?.includes(`\`${variable}\``));
    assert.ok(row !== undefined, variable);
    if ('unset' in setting) assert.ok(row.split('|')[3]?.replaceAll('`', '').includes(setting.unset), `${variable}: ${setting.unset}`);
  }
});
