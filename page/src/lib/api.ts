import { askAccess, authorization } from './session.ts';

/** The server's error answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** Builds a path from segments, each of which may be any text. */
export function pathOf(...segments: readonly string[]): string {
  return `/${segments.map(encodeURIComponent).join('/')}`;
}

/** Requests JSON from the server. Throws a {@link Problem} for anything but a 2xx. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const entries = Object.entries(query).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, String(value)]]));
  const search = entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
  return answerOf<T>(await fetch(`${path}${search}`, { headers: authorization(), ...(signal && { signal }) }));
}

/** Sends JSON to the server. Throws a {@link Problem} for anything but a 2xx. */
export async function post<T>(path: string, body: object = {}): Promise<T> {
  const headers = { ...authorization(), 'content-type': 'application/json' };
  return answerOf<T>(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function answerOf<T>(answer: Response): Promise<T> {
  if (answer.ok) return (await answer.json()) as T;
  // A revoked token: the page asks for another.
  if (answer.status === 401) await askAccess();
  const problem = await problemOf(answer);
  throw new Problem(answer.status, problem.detail ?? `the server answered ${answer.status}`, problem.code);
}

async function problemOf(answer: Response): Promise<{ readonly detail?: string; readonly code?: string }> {
  if (!(answer.headers.get('content-type') ?? '').includes('json')) return {};
  return (await answer.json()) as { detail?: string; code?: string };
}

/** A page of a list, as every list of the API is. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
  /** True if the list leaves items out even on its last page. */
  readonly truncated?: boolean;
}
