import { createHash, randomBytes } from 'node:crypto';
import { MillraceError } from '../../errors.ts';
import { isName } from '../../pipeline/check.ts';
import { type Role, roles } from './role.ts';

/** The server's knowledge of a token: everything except its secret. */
export interface Token {
  /** The holder's name, for people. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret. */
  readonly digest: Buffer;
  /** The only pipelines it covers; undefined: all. */
  readonly pipelines: ReadonlySet<string> | undefined;
}

const tokensMax = 1_000;

/** The form of a token printed by `millrace token`. */
export const lineForm = 'NAME:ROLE:SHA256, or NAME:ROLE:SHA256:PIPELINE+PIPELINE';

/** Returns an unguessable secret: 256 random bits. Its prefix helps scanners find leaked secrets. */
export function newSecret(): string {
  return `millrace_${randomBytes(32).toString('base64url')}`;
}

export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Returns the line that represents a token in the server's list. It does not reveal the secret. */
export function lineOf({ name, role, digest, pipelines }: Token): string {
  const only = pipelines === undefined ? '' : `:${[...pipelines].join('+')}`;
  return `${name}:${role}:${digest.toString('hex')}${only}`;
}

export function isTokenName(text: string): boolean {
  return /^[\w.-]{1,64}$/.test(text);
}

/**
 * Parses lines, separated by newlines or commas; `#` begins a comment up to the end of its line. Throws `MILL_INVALID_CONFIGURATION`,
 * naming the source and the place, but never the contents, which may be a secret.
 */
export function parseTokens(text: string, source: string): readonly Token[] {
  const tokens = text
    .split(/\r?\n/)
    .flatMap((line) => line.replace(/#.*/, '').split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry, index) => parseToken(entry, (expected) => refuse(`${source}: token ${index + 1}: expected ${expected}`)));
  if (tokens.length > tokensMax) refuse(`${source}: expected at most ${tokensMax} tokens, found ${tokens.length}`);
  const twice = tokens.findIndex(({ digest }, index) => tokens.findIndex((other) => other.digest.equals(digest)) < index);
  if (twice >= 0) refuse(`${source}: token ${twice + 1}: expected a secret of its own, found that of an earlier token`);
  return tokens;
}

function parseToken(entry: string, expected: (what: string) => never): Token {
  const [name = '', role = '', digest = '', only, ...rest] = entry.split(':');
  if (digest === '' || rest.length > 0) expected(`${lineForm}, as printed by millrace token`);
  if (!isTokenName(name)) expected('a name of at most 64 letters, digits, _, . and -');
  const known = roles.find((one) => one === role);
  if (known === undefined) return expected(`one of the roles ${roles.join(', ')}`);
  if (!/^[\da-f]{64}$/i.test(digest)) expected('the SHA-256 of its secret in 64 hexadecimal digits');
  const pipelines = only?.split('+');
  if (pipelines?.some((one) => !isName(one))) expected('pipeline names separated by +');
  return { name, role: known, digest: Buffer.from(digest, 'hex'), pipelines: pipelines && new Set(pipelines) };
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message);
}
