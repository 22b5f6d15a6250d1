import type { Mutant, TestChoice } from '../mutant.ts';

const compiles: TestChoice = { file: 'test/package.long.test.ts', named: 'a strict program with CommonJS modules compiles and runs' };
const isWhole: TestChoice = { file: 'test/package.long.test.ts', named: 'a program that imports only' };

/** A user's compiler knows everything that the run time knows. */
export const types: readonly Mutant[] = [
  {
    name: 'literals-of-a-returned-state-widen',
    promises: [],
    file: 'src/pipeline/pipeline-options.ts',
    find: ' | ([S] extends [Schema] ? never : Literals);',
    replace: ';',
    tests: [compiles],
  },
  {
    name: 'engine-takes-any-event',
    promises: [],
    file: 'src/engine/mill.ts',
    find: 'event: PipelineInput<P[Name]>,',
    replace: 'event: unknown,',
    tests: [compiles],
  },
  {
    name: 'duration-is-any-text',
    promises: [],
    file: 'src/pipeline/duration.ts',
    find: 'export type Duration = number |',
    replace: 'export type Duration = string | number |',
    tests: [compiles],
  },
  {
    name: 'enumeration-is-any-text',
    promises: [],
    file: 'src/pipeline/declared-table.ts',
    find: '? NonNullable<Value>',
    replace: '? string',
    tests: [compiles],
  },
  {
    name: 'types-of-node-left-to-the-user',
    promises: [],
    file: 'src/testing/index.ts',
    find: '/// <reference types="node" preserve="true" />',
    replace: '',
    tests: [isWhole],
  },
];
