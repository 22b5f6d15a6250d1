import { Client, errors } from 'undici';
import { messageOf } from '../../../src/cli/index.ts';
import { MillraceError } from '../../../src/index.ts';

const answerTimeoutMs = 10_000;
type Headers = Readonly<Record<string, string>>;

/** Returns the first URL whose server has rockets. Throws `MILL_INVALID_CONFIGURATION` if none has, with each answer and a remedy. */
export async function findRockets(urls: readonly URL[], headers: Headers = {}): Promise<URL> {
  const problems: string[] = [];
  for (const url of urls) {
    const problem = await problemWith(url, headers);
    if (problem === undefined) return url;
    problems.push(`${url.origin} ${problem}`);
  }
  const remedy = 'start them with millrace serve rockets, or pass their URL: millrace simulate rockets http://HOST:PORT';
  throw new MillraceError('MILL_INVALID_CONFIGURATION', `found no rockets: ${problems.join('; ')}; ${remedy}`);
}

/** Returns why no rockets can be simulated there; undefined if they can. A starting or stopping server answers 5xx: it may have rockets. */
async function problemWith({ origin, protocol }: URL, headers: Headers): Promise<string | undefined> {
  const client = new Client(origin, {
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
    connect: { timeout: answerTimeoutMs },
  });
  try {
    const answer = await client.request({ method: 'GET', path: '/rockets?limit=1', headers });
    const text = await answer.body.text();
    if (answer.statusCode >= 500) return undefined;
    if (answer.statusCode === 401) return 'requires a token: set MILLRACE_TOKEN to one with the role operate';
    if (answer.statusCode !== 200) return `answers ${answer.statusCode} for /rockets`;
    return isJsonObject(text) ? undefined : 'answers something other than rockets for /rockets';
  } catch (error) {
    return describeNoAnswer(error, protocol);
  } finally {
    await client.destroy();
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** A host with several addresses fails with an error for each, and none of its own. */
function describeNoAnswer(thrown: unknown, protocol: string): string {
  const error = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const reason = messageOf(error).trim();
  if (code === 'ECONNREFUSED') return 'does not answer: nothing listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `does not answer: unknown host (${code})`;
  if (!(error instanceof errors.HTTPParserError || misunderstood.test(code))) return `does not answer: ${reason}`;
  return `does not speak ${protocol.slice(0, -1)} (${reason}); is it ${protocol === 'https:' ? 'http' : 'https'}://, or another kind of server?`;
}

/** A garbled handshake, or a connection aborted at once. */
const misunderstood = /^(EPROTO|ERR_SSL_.*|UND_ERR_SOCKET|ECONNRESET)$/;
