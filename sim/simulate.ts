import { randomProgram } from './simulation/program.ts';
import { simulate } from './simulation/simulation.ts';

const [seed = '1', steps = '40', count = '1', t] = process.argv.slice(2);
const total = new Map<string, number>();
let bad = 0;
const t0 = performance.now();
for (let s = Number(seed); s < Number(seed) + Number(count); s++) {
  const r = await simulate(randomProgram(s, Number(steps)), t ? { trace: (w) => void process.stdout.write(`${w}\n`) } : {});
  for (const [k, v] of r.tally) total.set(k, (total.get(k) ?? 0) + v);
  if (r.broken.length) {
    bad++;
    process.stdout.write(`seed ${s}: ${r.broken.slice(0, 4).join('\n   ')}\n`);
  }
}
process.stdout.write(
  `${count} programs, ${bad} bad, ${Math.round(performance.now() - t0)} ms\n${[...total]
    .sort()
    .map(([k, v]) => `${k}: ${v}`)
    .join(', ')}\n`,
);
