import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../errors.ts';
import { pipeline } from './pipeline.ts';
import type { HandlerPlace } from './pipeline-options.ts';

/** Declares a pipeline without type checks, as a JavaScript program may. */
function declare(place: object) {
  return pipeline('work', { event: z.object({}), handle() {}, ...(place as HandlerPlace) });
}

test('handlers run inline by default', () => {
  assert.equal(declare({}).threads, undefined);
  assert.equal(declare({ run: 'inline' }).threads, undefined);
  assert.deepEqual(declare({ run: 'threads', module: 'file:///work.ts' }).threads, { module: 'file:///work.ts', count: undefined });
});

const refused: readonly [object, RegExp][] = [
  [{ run: 'processes' }, /^pipeline work: run: expected inline or threads, found "processes"$/],
  [{ run: 'threads' }, /^pipeline work: module: expected import\.meta\.url of the module .*, found nothing$/],
  [{ run: 'threads', module: './work.ts' }, /a file: URL, found "\.\/work\.ts"$/],
  [{ run: 'threads', module: 'https://example.org/work.js' }, /a file: URL, found "https:/],
  [{ run: 'threads', module: 7 }, /^pipeline work: module: expected a non-empty text, found 7$/],
  [{ module: 'file:///work.ts' }, /^pipeline work: module: expected none without run: 'threads', found "file:/],
];

for (const [place, message] of refused) {
  test(`an impossible place is refused: ${JSON.stringify(place)}`, () => {
    assert.throws(
      () => declare(place),
      (error) => error instanceof MillraceError && error.code === 'MILL_INVALID_DECLARATION' && message.test(error.message),
    );
  });
}
