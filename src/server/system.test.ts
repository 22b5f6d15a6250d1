import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { integerBetween } from '../configuration/values.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { configure, system } from './system.ts';

const mails = pipeline('mails', { event: z.object({}), handle: () => undefined });
const face = { name: 'mail', title: 'Mail', description: 'Sends mail.' };
const workers = { variable: 'MAIL_WORKERS', meaning: 'mails sent at once', values: integerBetween(1, 100), otherwise: '10' };

test('a system is built from its settings; one without settings is served as it is', () => {
  const built = system({ ...face, settings: { workers }, build: (settings) => ({ pipelines: settings.workers === 7 ? [mails] : [] }) });
  assert.deepEqual(configure(built, { MAIL_WORKERS: '7' }), { ...face, pipelines: [mails] });
  const plain = system({ ...face, port: 8080, pipelines: [mails] });
  assert.equal(configure(plain, {}), plain);
});

/** Declarations that a program without a compiler may write. */
const refused: readonly (readonly [declared: unknown, message: string])[] = [
  [undefined, 'system: expected an object of options (name, title, description, port, pipelines, routes), found nothing'],
  [{ ...face, name: 5, pipelines: [] }, 'system: name: expected a non-empty text, found 5'],
  [{ ...face, pipelines: mails }, 'system mail: pipelines: expected an array of pipelines, found the pipeline mails itself; write [mails]'],
  [{ ...face, pipelines: [], route: () => undefined }, 'system mail: route is no option; did you mean routes?'],
  [{ ...face, pipelines: [], port: '8080' }, 'system mail: port: expected an integer from 0 to 65535, found "8080"'],
  [
    { ...face, settings: { workers: { ...workers, default: '10' } }, build: () => ({ pipelines: [] }) },
    'system mail: settings.workers.default is no option; the options are variable, meaning, values, otherwise, required, unset, secret',
  ],
  [
    { ...face, settings: { workers: { ...workers, secret: 'yes' } }, build: () => ({ pipelines: [] }) },
    'system mail: settings.workers.secret: expected true, or to be left out, found "yes"',
  ],
  [
    { ...face, settings: {} },
    'system mail: build: expected a synchronous function, such as (configuration) => ({ pipelines }), found nothing',
  ],
  [
    { ...face, settings: {}, build: async () => ({ pipelines: [] }) },
    'system mail: build: expected a synchronous function, such as (configuration) => ({ pipelines }), found an async function',
  ],
];

for (const [declared, message] of refused) {
  test(`an impossible system is refused: ${message}`, () => {
    const error = { code: 'MILL_INVALID_DECLARATION', message };
    assert.throws(() => system(declared as never), error);
    assert.throws(() => configure(declared as never, {}), error);
  });
}

test('the result of building a system is checked when it is built', () => {
  const building = (parts: unknown) => () => configure(system({ ...face, settings: {}, build: () => parts as never }), {});
  assert.throws(building(undefined), { message: 'system mail: build(): expected an object of options (pipelines, routes), found nothing' });
  assert.throws(building({ pipeline: mails }), { message: 'system mail: build().pipeline is no option; did you mean pipelines?' });
});

test('impossible bounds of settings are refused', () => {
  assert.throws(() => integerBetween(5, undefined as never), {
    code: 'MILL_INVALID_DECLARATION',
    message: 'integerBetween: expected two integers, the lower one first, found 5 and nothing',
  });
});
