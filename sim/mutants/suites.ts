import type { TestChoice } from './mutant.ts';

/** The tests of a promise of the engine: `promise('timers')`. */
export function promise(name: string, named?: string): TestChoice {
  return choice(`src/engine/promises/${name}.test.ts`, named);
}

/** The tests of a store on the contract that all stores keep. Those of SQLite, PostgreSQL and MySQL take long, so say which. */
export function contract(store: 'memory' | 'sqlite' | 'postgres' | 'mysql', named?: string): TestChoice {
  return choice(`src/store/${store}/${store}-store.test.ts`, named);
}

/** The tests that stand beside a file of the sources: `beside('delivery/signature')`. */
export function beside(file: string, named?: string): TestChoice {
  return choice(`src/${file}.test.ts`, named);
}

/** The tests of a system: `system('rockets/routes')`. */
export function system(file: string, named?: string): TestChoice {
  return choice(`systems/${file}.test.ts`, named);
}

/** Tests from end to end, with real processes. They take long, so say which. */
export function program(file: string, named: string): TestChoice {
  return choice(`test/${file}.test.ts`, named);
}

/** Of the simulation of random programs those tests alone that take little time. */
export function simulation(named: string): TestChoice {
  return choice('sim/simulation/simulation.test.ts', named);
}

function choice(file: string, named: string | undefined): TestChoice {
  return named === undefined ? file : { file, named };
}
