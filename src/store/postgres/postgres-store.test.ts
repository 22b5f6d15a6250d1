import { contractOn } from './contract-on.fixture.test.ts';

for (const kind of ['PostgreSQL 15', 'PostgreSQL 18'] as const) contractOn(kind);
