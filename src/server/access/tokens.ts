import { hash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { MillraceError, messageOf } from '../../errors.ts';
import { parseTokens, type Token } from './token.ts';

const lookEveryMs = 1_000;

/** The tokens that are good now. */
export class Tokens {
  #tokens: readonly Token[];
  #look: ((tokens: readonly Token[]) => void) | undefined;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get all(): readonly Token[] {
    return this.#tokens;
  }

  replace(tokens: readonly Token[]): void {
    this.#tokens = tokens;
    this.#look?.(tokens);
  }

  /** Sets what looks at the tokens, now and whenever they are others. */
  onChange(look: (tokens: readonly Token[]) => void): void {
    this.#look = look;
    look(this.#tokens);
  }

  /** Returns the token of a secret. It takes as long whatever the secret is, and whichever token it is. */
  find(secret: string): Token | undefined {
    // By way of hexadecimal digits it takes a third of the time.
    const digest = Buffer.from(hash('sha256', secret, 'hex'), 'hex');
    let found: Token | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.digest, digest)) found = token;
    return found;
  }
}

/** Reads tokens from a text. Throws `MILL_INVALID_CONFIGURATION` where there is none, or one that is not right. */
export function tokensIn(text: string, source: string): Tokens {
  const tokens = parseTokens(text, source);
  if (tokens.length > 0) return new Tokens(tokens);
  throw new MillraceError('MILL_INVALID_CONFIGURATION', `${source}: expected at least one token; millrace token makes one`);
}

/**
 * Reads tokens from a file, and again when it has changed, within a second or two. A file that can then not be read, or not be
 * understood, or has no token, leaves the tokens as they are: the log says so, and nobody is locked out. What a start refuses is refused
 * later, too. Throws as {@link tokensIn} does.
 */
export function followTokens(path: string, source: string, log: Logger): Tokens {
  const tokens = tokensIn(readTokens(path, source), source);
  const look = () => {
    try {
      tokens.replace(tokensIn(readTokens(path, source), source).all);
      log.info({ path, tokens: tokens.all.map(({ name }) => name) }, 'read the tokens again');
    } catch (error) {
      log.error({ path, reason: messageOf(error) }, 'cannot read the tokens again; those of before stay good');
    }
  };
  // It looks at the path and not at the file, so one that is put in its place is noticed too.
  watchFile(path, { interval: lookEveryMs, persistent: false }, look);
  return tokens;
}

function readTokens(path: string, source: string): string {
  try {
    return readText(path).replace(/^\uFEFF/, '');
  } catch (error) {
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${source}: cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** A pipe without a writer would be waited for for ever, by the whole process. */
function readText(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error('expected a file, found a pipe, a folder or a device');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
