import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { accessSettings } from '../src/cli/access-settings.ts';
import { settings } from '../src/cli/configuration.ts';
import { databaseSettings } from '../src/cli/database-settings.ts';
import { environmentHelp } from '../src/cli/help.ts';
import { limitSettings } from '../src/cli/limit-settings.ts';
import { readSetting, type Setting } from '../src/configuration/setting.ts';
import { systems } from './index.ts';

const ofSystems = systems.flatMap((system) => ('settings' in system ? Object.values<Setting>(system.settings) : []));
const shared = [accessSettings, databaseSettings, limitSettings].flatMap((some) => Object.values<Setting>(some));
const all = [...settings, ...shared, ...ofSystems];

test('.env.example and the help list every setting with its default, in one order', () => {
  const listing = (unsetText: string) =>
    all.map(({ variable, otherwise, unset }) => `${variable}=${otherwise ?? unset?.split(';')[0] ?? unsetText}`);
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
  assert.deepEqual(example.match(/(?<=^# )[A-Z][A-Z_]*=\S*/gm), listing(''));
  const help = environmentHelp(systems);
  const listed = Array.from(
    help.matchAll(/^ {2}([A-Z_]+) .* \(default: ([^;]*?)(?:;.*)?\)$/gm),
    ([, variable, text]) => `${variable}=${text}`,
  );
  assert.deepEqual(listed, listing('none'));
});

test('every default is itself accepted', () => {
  for (const setting of all) assert.equal(readSetting(setting, {}) === undefined, setting.otherwise === undefined, setting.variable);
});
