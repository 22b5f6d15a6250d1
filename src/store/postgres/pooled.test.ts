import { contractOn } from './contract-on.fixture.test.ts';

// Connections keep nothing between two transactions.
for (const kind of ['PgBouncer', 'PGlite'] as const) contractOn(kind);
