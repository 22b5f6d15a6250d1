/// <reference types="node" preserve="true" />
// Our declarations name `AbortSignal`. A program without the DOM has it only from the types of Node.js.

/** The test kit: pipelines run in memory on a virtual clock, plus the contracts that every store and every inlet must pass. */
export { type ContractRecord, type ContractTopic, type InletHarness, inletContract } from '../inlets/contract.ts';
export { type ContractDatabase, type StoreHarness, storeContract } from '../store/contract.ts';
export { type TestMill, testMill } from './test-mill.ts';
export type { TestMillOptions } from './test-mill-options.ts';
export { VirtualClock } from './virtual-clock.ts';
