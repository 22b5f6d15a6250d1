import type { Answer } from './answers.ts';
import type { Attempt } from './attempt.ts';
import type { Exchange } from './exchange.ts';

/** The only errors of ours that may be answered with 503, and why. Each must say when to retry. */
const allowedUnavailable: ReadonlySet<string> = new Set([
  // A rocket whose numbers have a gap followed by 10,000 messages.
  'MILL_KEY_FULL',
]);

/** Node.js's own answers, without a body: to a request without a host, or with an unknown expectation. */
const byNode: ReadonlySet<number> = new Set([400, 417]);

/** Returns everything wrong with the responses to an attempt. */
export function faultsOf(attempt: Attempt, { answers, fault, ended }: Exchange): string[] {
  const { asked, expects } = attempt;
  const faults = answers.flatMap((answer, at) => faultsOfAnswer(answer, asked[at]?.method ?? 'GET'));
  if (fault !== undefined) faults.push(fault);
  if (ended === 'silent') faults.push(`expected an answer or an end, found silence after ${answers.length} answers of ${asked.length}`);
  if (expects === 'answers' && ended === 'closed' && !answers.some(endsConnection))
    faults.push(`expected ${asked.length} answers, found ${answers.length} and the end of the connection`);
  const taken = attempt.isInvalid === true ? answers.find(({ status }) => status < 400) : undefined;
  if (taken !== undefined) faults.push(`expected it to be refused, found ${taken.status} ${taken.body.toString().slice(0, 300)}`);
  const extra = answers.slice(Math.max(1, asked.length)).filter(({ status }) => status !== 400);
  if (extra.length > 0) faults.push(`expected ${asked.length} answers, found one more: ${extra[0]?.status} ${extra[0]?.body.toString()}`);
  return faults;
}

/** Returns whether it is the last on its connection. */
export function endsConnection({ headers }: Answer): boolean {
  return headers.get('connection')?.toLowerCase() === 'close';
}

function faultsOfAnswer(answer: Answer, method: string): string[] {
  const { status, headers, body } = answer;
  const faults: string[] = [];
  if (status >= 500) faults.push(...faultsOfServerError(answer));
  if (status >= 400 && !(byNode.has(status) && body.length === 0 && !headers.has('content-type')))
    faults.push(...faultsOfProblem(answer, method));
  if (status === 405 && !headers.has('allow')) faults.push('expected Allow with a 405, found none');
  if (body.includes('root:x:0')) faults.push('expected nothing of the file system, found /etc/passwd');
  return faults;
}

function faultsOfServerError({ status, headers, body }: Answer): string[] {
  const code = Object(jsonOf(body)).code;
  if (status !== 503 || !allowedUnavailable.has(code))
    return [`expected no error of the server, found ${status} ${body.toString().slice(0, 300)}`];
  return headers.has('retry-after') ? [] : ['expected Retry-After with a 503, found none'];
}

function faultsOfProblem({ status, headers, body }: Answer, method: string): string[] {
  const type = headers.get('content-type');
  if (type !== 'application/problem+json') return [`expected a ${status} to be application/problem+json, found ${type}`];
  if (method === 'HEAD') return [];
  const problem = Object(jsonOf(body));
  if (problem.status === status && typeof problem.title === 'string' && typeof problem.detail === 'string') return [];
  return [`expected a problem with status ${status}, found ${body.toString().slice(0, 300)}`];
}

/** Returns the value of a JSON body; undefined if it is not JSON. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
