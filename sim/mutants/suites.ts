import type { TestChoice } from './mutant.ts';

/** The tests of a promise of the engine: `promise('timers')`. */
export function promise(name: string, named?: string): TestChoice {
  return choice(`src/engine/promises/${name}.test.ts`, named);
}

/** The tests of a store on the contract of all stores. For SQLite, PostgreSQL and MySQL they take long, so name the relevant ones. */
export function contract(store: 'memory' | 'sqlite' | 'postgres' | 'mysql', named?: string): TestChoice {
  return choice(`src/store/${store}/${store}-store.test.ts`, named);
}

/** The tests beside a source file: `beside('delivery/signature')`. */
export function beside(file: string, named?: string): TestChoice {
  return choice(`src/${file}.test.ts`, named);
}

/** The tests of a system: `system('rockets/routes')`. */
export function system(file: string, named?: string): TestChoice {
  return choice(`systems/${file}.test.ts`, named);
}

/** Tests from end to end, with real processes. They take long, so name the relevant ones. */
export function program(file: string, named: string): TestChoice {
  return choice(`test/${file}.test.ts`, named);
}

/** The quick tests of the simulation of random programs. */
export function simulation(named: string): TestChoice {
  return choice('sim/simulation/simulation.test.ts', named);
}

function choice(file: string, named: string | undefined): TestChoice {
  return named === undefined ? file : { file, named };
}
