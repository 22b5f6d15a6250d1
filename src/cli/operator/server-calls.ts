import type { Environment } from '../../configuration/setting.ts';
import { UsageError } from '../usage-error.ts';

/** The server's URL and the token to use. */
export interface ServerOptions {
  readonly url?: string;
  readonly token?: string;
}

const urlVariable = 'MILLRACE_URL';
const tokenVariable = 'MILLRACE_TOKEN';

/** A page of a list, as returned by a server. */
interface Page {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
  /** True if the list leaves items out even on its last page. */
  readonly truncated?: boolean;
}

/** The first items of a list. */
export interface Listing {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/** An item of a list, or any other answer. */
export type Item = Readonly<Record<string, unknown>>;

/** The parameters of a request; undefined ones are left out. */
type Query = Readonly<Record<string, string | number | undefined>>;

/** Calls the operator's routes of a server. */
export class ServerCalls {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** Throws `UsageError` for an invalid URL. */
  constructor({ url, token }: ServerOptions, environment: Environment) {
    const asked = url ?? environment[urlVariable] ?? `http://127.0.0.1:${environment.PORT ?? 8080}`;
    if (!URL.canParse(asked) || !/^https?:/.test(asked)) throw new UsageError(`--url: expected http://HOST:PORT, found ${asked}`);
    this.#url = asked.replace(/\/+$/, '');
    const secret = token ?? environment[tokenVariable];
    this.#headers = { accept: 'application/json', ...(secret !== undefined && { authorization: `Bearer ${secret}` }) };
  }

  /** Throws the server's own error message if it refuses, and an error that names the server if it does not answer. */
  get(path: string, query: Query = {}): Promise<Item> {
    const asked = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    return this.#call('GET', asked.length === 0 ? path : `${path}?${new URLSearchParams(asked)}`);
  }

  post(path: string, body: Item = {}): Promise<Item> {
    return this.#call('POST', path, body);
  }

  /** Returns the first items of a list, fetching as many pages as needed. */
  async list(path: string, query: Query & { readonly limit?: number }): Promise<readonly Item[]> {
    return (await this.listing(path, query)).items;
  }

  /** Returns the same, and whether the list has more items than these. */
  async listing(path: string, { limit = 20, ...query }: Query & { readonly limit?: number }): Promise<Listing> {
    const items: Item[] = [];
    let hasMore = false;
    for (let cursor: string | undefined; items.length < limit; ) {
      const page = (await this.get(path, { ...query, limit: Math.min(100, limit - items.length), cursor })) as unknown as Page;
      items.push(...page.items);
      cursor = page.nextCursor;
      hasMore = cursor !== undefined || page.truncated === true;
      if (cursor === undefined) break;
    }
    return { items, hasMore };
  }

  async #call(method: string, path: string, body?: Item): Promise<Item> {
    let response: Response;
    try {
      const sent =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { ...this.#headers, 'content-type': 'application/json' } };
      response = await fetch(`${this.#url}${path}`, { method, headers: this.#headers, ...sent });
    } catch (error) {
      throw new Error(`no answer from ${this.#url}: ${reasonOf(error)}. Start one with: millrace serve`, { cause: error });
    }
    const answer = await answerOf(response);
    if (response.ok) return answer;
    const hint = response.status === 401 ? ` (set ${tokenVariable}, or pass --token)` : '';
    throw new Error(`${this.#url}: ${String(answer.detail ?? answer.title ?? `answered ${response.status}`)}${hint}`);
  }
}

/** Parses the answer as JSON. Anything else comes from something in front of the server, and is ignored. */
async function answerOf(response: Response): Promise<Item> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return response.ok ? { text } : {};
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && cause.message !== '' ? cause.message : String(Object(cause).code ?? cause);
}
