/** Measures how tables on MariaDB grow, and what a fleet asks of the database: `npm run mysql-growth -- --help`. */
import { runGrowth } from './growth.ts';

await runGrowth('mysql');
