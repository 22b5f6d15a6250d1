import { createStore } from './store.ts';

/** The server's answer about a token's permissions. */
export interface Access {
  readonly asksForTokens: boolean;
  readonly token: {
    readonly name: string;
    readonly role: 'ingest' | 'read' | 'operate';
    readonly pipelines: readonly string[] | null;
  } | null;
}

const storageKey = 'millrace.token';

/** Undefined until the first request. */
export const access = createStore<Access | undefined>(undefined);

/** The token is kept for this tab only, and lost when it is closed. */
function storedToken(): string {
  return sessionStorage.getItem(storageKey) ?? '';
}

export function storeToken(token: string): void {
  if (token === '') sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, token);
}

/** Returns headers with the token, if there is one. */
export function authorization(): Record<string, string> {
  const token = storedToken();
  return token === '' ? {} : { authorization: `Bearer ${token}` };
}

/** Returns whether viewing is allowed, as far as is known. */
export function maySee({ asksForTokens, token }: Access): boolean {
  return !asksForTokens || token?.role === 'read' || token?.role === 'operate';
}

/** Returns whether changes are allowed, as far as is known. */
export function mayOperate(known: Access | undefined): boolean {
  return known !== undefined && (!known.asksForTokens || known.token?.role === 'operate');
}

/** Asks the server what the stored token permits. Throws what `fetch` throws. */
export async function askAccess(): Promise<Access> {
  const answer = await fetch('/access', { headers: authorization() });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const known = (await answer.json()) as Access;
  access.set(known);
  return known;
}
