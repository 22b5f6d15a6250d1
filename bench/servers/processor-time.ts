import { existsSync, readFileSync } from 'node:fs';

/** The unit of processor time in /proc: USER_HZ is 100 on every platform of Node.js. */
const tickMs = 10;

/** Returns the processor time of all threads of a process so far, in milliseconds. NaN without /proc. */
export function processorTimeOf(pid: number | undefined): number {
  return process.platform === 'linux' ? statOf(pid).own : Number.NaN;
}

/** The same for a process and its children, including those that have ended. */
export function processorTimeOfFamily(pid: number | undefined): number {
  if (process.platform !== 'linux') return Number.NaN;
  const { own, ended } = statOf(pid);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? [];
  return children.reduce((sum, child) => sum + (existsSync(`/proc/${child}/stat`) ? statOf(Number(child)).own : 0), own + ended);
}

function statOf(pid: number | undefined): { readonly own: number; readonly ended: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses that may contain blanks; the user and system times, also of ended children, start at the
  // 14th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number);
  return { own: (user + system) * tickMs, ended: (endedUser + endedSystem) * tickMs };
}
