import { createStore } from './store.ts';

/** What the server says that the token may do. */
export interface Access {
  readonly asksForTokens: boolean;
  readonly token: {
    readonly name: string;
    readonly role: 'ingest' | 'read' | 'operate';
    readonly pipelines: readonly string[] | null;
  } | null;
}

const storageKey = 'millrace.token';

/** Undefined while nobody has asked yet. */
export const access = createStore<Access | undefined>(undefined);

/** The token is kept for this tab alone, and goes when it is closed. */
function storedToken(): string {
  return sessionStorage.getItem(storageKey) ?? '';
}

export function storeToken(token: string): void {
  if (token === '') sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, token);
}

/** Headers that show the token, where there is one. */
export function authorization(): Record<string, string> {
  const token = storedToken();
  return token === '' ? {} : { authorization: `Bearer ${token}` };
}

/** Returns whether somebody may look, as far as is known. */
export function maySee({ asksForTokens, token }: Access): boolean {
  return !asksForTokens || token?.role === 'read' || token?.role === 'operate';
}

/** Returns whether somebody may change anything, as far as is known. */
export function mayOperate(known: Access | undefined): boolean {
  return known !== undefined && (!known.asksForTokens || known.token?.role === 'operate');
}

/** Asks the server what the stored token may do. Throws what `fetch` throws. */
export async function askAccess(): Promise<Access> {
  const answer = await fetch('/access', { headers: authorization() });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const known = (await answer.json()) as Access;
  access.set(known);
  return known;
}
