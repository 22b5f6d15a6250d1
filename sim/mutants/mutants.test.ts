import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { root } from './checkout.ts';
import { mutants } from './list.ts';
import { chosen, mutate } from './mutant.ts';
import report from './reporter.ts';
import { markdownTable, plainTable } from './table.ts';

const sourceOf = (file: string) => readFileSync(join(root, file), 'utf8');
/** The tests of the contracts, and of stores that share a database, are named there and run from the file of each store or inlet. */
const shared = ['src/store/contract/*.ts', 'src/store/several-stores.fixture.test.ts', 'src/inlets/contract.ts'];
const contract = globSync(shared, { cwd: root }).map(sourceOf).join();

/** Returns the fixture that declares the tests of a test file; empty without one. */
function fixtureOf(file: string): string {
  const fixture = file.replace(/(\.test\.ts)$/, '.fixture$1');
  return existsSync(join(root, fixture)) ? sourceOf(fixture) : '';
}

describe('the mutants', () => {
  test('have distinct names', () => {
    assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  });

  test('break every promise', () => {
    const broken = new Set(mutants.flatMap(({ promises }) => promises));
    assert.deepEqual(
      Array.from(broken).sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
  });

  for (const mutant of mutants) {
    test(`${mutant.name} still applies, and its tests exist`, () => {
      const source = sourceOf(mutant.file);
      const mutated = mutate(mutant, source);
      assert.notEqual(mutated, source);
      stripTypeScriptTypes(mutated);
      assert.ok(mutant.tests.length > 0);
      for (const { file, named } of mutant.tests.map(chosen)) {
        assert.ok(existsSync(join(root, file)), file);
        if (named !== undefined) assert.ok(`${sourceOf(file)}${fixtureOf(file)}${contract}`.includes(named), named);
      }
    });
  }

  test('are refused if their text occurs twice, or not at all', () => {
    const mutant = { name: 'a', promises: [1], file: 'a.ts', find: 'x', replace: 'y', tests: [] };
    assert.equal(mutate(mutant, 'a x b'), 'a y b');
    assert.throws(() => mutate(mutant, 'x x'), /expected its text once in a\.ts, found it 2 times/);
    assert.throws(() => mutate(mutant, 'y'), /found it 0 times/);
  });
});

describe('the table', () => {
  const [mutant] = mutants;
  assert.ok(mutant);
  const failures = [
    { file: 'src/a.test.ts', test: 'a | b', isTimeOut: false },
    { file: 'src/a.test.ts', test: 'c', isTimeOut: true },
  ];

  test('says who caught a mutant, and how many others', () => {
    assert.match(plainTable([{ mutant, failures, seconds: 1.25 }]), / \| a\.test\.ts: a \| b, and 1 more \| 1\.[23]/);
    assert.match(plainTable([{ mutant, failures: failures.slice(1), seconds: 1 }]), /a\.test\.ts: c \(time-out\)/);
    assert.match(plainTable([{ mutant, failures: [], seconds: 1 }]), /nothing: it survived/);
  });

  test('is Markdown on request', () => {
    const [head, line, row] = markdownTable([{ mutant, failures, seconds: 1 }]).split('\n');
    assert.equal(head, '| mutant | promise | caught by | seconds |');
    assert.equal(line, '| --- | --- | --- | --- |');
    assert.ok(row?.includes('a.test.ts: a \\| b, and 1 more'));
  });
});

describe('the reporter', () => {
  test('reports each test with its suites and its result', async () => {
    const failure = (failureType: string) => ({ details: { type: 'test', error: Object.assign(new Error(), { failureType }) } });
    async function* events() {
      yield { type: 'test:start', data: { name: 'suite', nesting: 0 } };
      yield { type: 'test:start', data: { name: 'a', nesting: 1 } };
      yield { type: 'test:pass', data: { name: 'a', nesting: 1, details: { type: 'test' } } };
      yield { type: 'test:start', data: { name: 'b', nesting: 1 } };
      yield { type: 'test:fail', data: { name: 'b', nesting: 1, ...failure('testCodeFailure') } };
      yield { type: 'test:start', data: { name: 'c', nesting: 1 } };
      yield { type: 'test:fail', data: { name: 'c', nesting: 1, ...failure('testTimeoutFailure') } };
      yield { type: 'test:fail', data: { name: 'suite', nesting: 0, ...failure('subtestsFailed') } };
      yield { type: 'test:start', data: { name: 'alone', nesting: 0 } };
      yield { type: 'test:pass', data: { name: 'alone', nesting: 0, details: { type: 'test' } } };
    }
    const lines = await Array.fromAsync(report(events() as unknown as Parameters<typeof report>[0]));
    assert.deepEqual(
      lines.map((line) => Object.values(JSON.parse(line)).join(': ')),
      ['suite > a: passed', 'suite > b: failed', 'suite > c: timed out', 'alone: passed'],
    );
  });
});
