import { randomProgram } from './simulation/program.ts';
import { simulate } from './simulation/simulation.ts';

const [seed, steps = '40'] = process.argv.slice(2);
const p = randomProgram(Number(seed), Number(steps));
process.stdout.write(JSON.stringify(p.settings) + JSON.stringify(p.faults) + '\n');
for (const s of p.steps) process.stdout.write(JSON.stringify(s) + '\n');
const r = await simulate(p, { trace: (w) => void process.stdout.write(w + '\n') });
process.stdout.write(r.broken.join('\n') + '\n');
