/// <reference types="node" preserve="true" />
// Our declarations name `AbortSignal`. A program without the DOM has it only from the types of Node.js.

/** The test kit: pipelines under test in memory with a clock turned by hand, and the contract that every store must pass. */
export { type ContractDatabase, type StoreHarness, storeContract } from '../store/contract.ts';
export { type TestMill, testMill } from './test-mill.ts';
export type { TestMillOptions } from './test-mill-options.ts';
export { VirtualClock } from './virtual-clock.ts';
