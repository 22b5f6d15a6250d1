/** Measures how tables on Postgres grow, and what a fleet asks of the database: `npm run postgres-growth -- --help`. */
import { runGrowth } from './growth.ts';

await runGrowth('postgres');
