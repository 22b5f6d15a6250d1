import { contractOn } from './contract-on.fixture.test.ts';

// No connection keeps anything between two transactions.
for (const kind of ['PgBouncer', 'PGlite'] as const) contractOn(kind);
