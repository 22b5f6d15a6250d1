import { createHash, randomBytes } from 'node:crypto';
import { MillraceError } from '../../errors.ts';
import { isName } from '../../pipeline/check.ts';
import { type Role, roles } from './role.ts';

/** What the server knows of a token: all but its secret. */
export interface Token {
  /** Who it was given to, for people. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret. */
  readonly digest: Buffer;
  /** The only pipelines that it is good for; undefined: all. */
  readonly pipelines: ReadonlySet<string> | undefined;
}

const tokensMax = 1_000;

/** A token as `millrace token` prints it. */
export const lineForm = 'NAME:ROLE:SHA256, or NAME:ROLE:SHA256:PIPELINE+PIPELINE';

/** A secret that nobody can guess: 256 random bits. The prefix is for those who look for secrets where none should be. */
export function newSecret(): string {
  return `millrace_${randomBytes(32).toString('base64url')}`;
}

export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The line that stands for a token where the server reads which there are. It does not tell the secret. */
export function lineOf({ name, role, digest, pipelines }: Token): string {
  const only = pipelines === undefined ? '' : `:${[...pipelines].join('+')}`;
  return `${name}:${role}:${digest.toString('hex')}${only}`;
}

export function isTokenName(text: string): boolean {
  return /^[\w.-]{1,64}$/.test(text);
}

/**
 * Reads lines, separated by newlines or commas; `#` begins a comment that goes to the end of its line. Throws
 * `MILL_INVALID_CONFIGURATION` that names the source and the place. It never shows what stands there, which may be a secret.
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
  if (twice >= 0) refuse(`${source}: token ${twice + 1}: expected a secret of its own, found that of a token before it`);
  return tokens;
}

function parseToken(entry: string, expected: (what: string) => never): Token {
  const [name = '', role = '', digest = '', only, ...rest] = entry.split(':');
  if (digest === '' || rest.length > 0) expected(`${lineForm}, as millrace token prints it`);
  if (!isTokenName(name)) expected('a name of letters, digits, _, . and -, at most 64');
  const known = roles.find((one) => one === role);
  if (known === undefined) return expected(`one of the roles ${roles.join(', ')}`);
  if (!/^[\da-f]{64}$/i.test(digest)) expected('the SHA-256 of its secret as 64 hexadecimal digits');
  const pipelines = only?.split('+');
  if (pipelines?.some((one) => !isName(one))) expected('names of pipelines with + between them');
  return { name, role: known, digest: Buffer.from(digest, 'hex'), pipelines: pipelines && new Set(pipelines) };
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message);
}
