import { checkPipelines, engineOptions, store } from '../engine/check-mill-options.ts';
import { checkOptions, type OptionTable, required } from '../pipeline/check-options.ts';
import { aFunction, expect, moment, trueOrFalse } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import type { TestMillOptions } from './test-mill-options.ts';

const testMillOptions: OptionTable<TestMillOptions> = {
  pipelines: required(checkPipelines),
  store,
  ...engineOptions,
  startAt: moment,
  seed: expect('an integer', Number.isSafeInteger),
  answer: aFunction("(call) => ({ result: 'delivered' })"),
  duplicateEverything: trueOrFalse,
  crashBeforeCommit: trueOrFalse,
};

/** Checks the options of `testMill(…)`. Throws `MILL_INVALID_CONFIGURATION`. */
export function checkTestMillOptions(declared: unknown): void {
  checkOptions(declared, testMillOptions, new Place('testMill', 'MILL_INVALID_CONFIGURATION'));
}
