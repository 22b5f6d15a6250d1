import type { Setting } from '../configuration/setting.ts';
import type { Values } from '../configuration/values.ts';
import { checkPipelines } from '../engine/check-mill-options.ts';
import { checkOptions, type OptionTable, required } from '../pipeline/check-options.ts';
import { aFunction, expect, named, options, synchronous, text } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import type { ConfigurableSystem, System, SystemParts } from './declared-system.ts';

const anyText = expect('a text', (value) => typeof value === 'string');

const values: OptionTable<Values<unknown>> = {
  accepts: required(expect('a text or a function', (value) => typeof value === 'string' || typeof value === 'function')),
  read: required(synchronous('(text) => text')),
};

const trueOrAbsent = expect('true, or to be left out', (value) => value === true);

const setting: OptionTable<Setting> = {
  variable: required(text),
  meaning: required(text),
  values: required(options(values)),
  otherwise: anyText,
  required: trueOrAbsent,
  unset: anyText,
  secret: trueOrAbsent,
};

const face = {
  name: required(text),
  title: required(text),
  description: required(text),
  port: expect('an integer from 0 to 65535', (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535),
};

const parts: OptionTable<SystemParts> = {
  pipelines: required(checkPipelines),
  routes: aFunction('(app, mill) => app.get(…)'),
};

const systemOptions: OptionTable<System> = { ...face, ...parts };

const configurableOptions: OptionTable<ConfigurableSystem> = {
  ...face,
  settings: required(named('settings', options(setting))),
  build: required(synchronous('(configuration) => ({ pipelines })')),
};

/** Checks a system with settings. Throws `MILL_INVALID_DECLARATION`, like the others here. */
export function checkConfigurable(declared: unknown): void {
  checkOptions(declared, configurableOptions, placeOf(declared));
}

/** Checks a system without settings. */
export function checkSystem(declared: unknown): void {
  checkOptions(declared, systemOptions, placeOf(declared));
}

/** Checks the result of a system's `build`. */
export function checkParts(declared: unknown, built: unknown): void {
  checkOptions(built, parts, placeOf(declared).at('build()'));
}

function placeOf(declared: unknown): Place {
  const name: unknown = typeof declared === 'object' && declared !== null && 'name' in declared ? declared.name : undefined;
  return new Place(typeof name === 'string' && name !== '' ? `system ${name}` : 'system', 'MILL_INVALID_DECLARATION');
}
