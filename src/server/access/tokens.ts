import { hash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { MillraceError, messageOf } from '../../errors.ts';
import { parseTokens, type Token } from './token.ts';

const lookEveryMs = 1_000;

/** The currently valid tokens. */
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

  /** Sets a listener for the tokens, called now and at every change. */
  onChange(look: (tokens: readonly Token[]) => void): void {
    this.#look = look;
    look(this.#tokens);
  }

  /** Returns the token of a secret. Takes the same time for any secret and any token. */
  find(secret: string): Token | undefined {
    // Going through hexadecimal digits takes a third of the time.
    const digest = Buffer.from(hash('sha256', secret, 'hex'), 'hex');
    let found: Token | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.digest, digest)) found = token;
    return found;
  }
}

/** Parses tokens from a text. Throws `MILL_INVALID_CONFIGURATION` if there are none, or an invalid one. */
export function tokensIn(text: string, source: string): Tokens {
  const tokens = parseTokens(text, source);
  if (tokens.length > 0) return new Tokens(tokens);
  throw new MillraceError('MILL_INVALID_CONFIGURATION', `${source}: expected at least one token; run millrace token to create one`);
}

/**
 * Reads tokens from a file, and rereads it after a change, within a second or two. If the file then cannot be read or parsed, or has no
 * token, the old tokens stay valid: the log says so, and nobody is locked out. Anything refused at the start is refused later too. Throws
 * like {@link tokensIn}.
 */
export function followTokens(path: string, source: string, log: Logger): Tokens {
  const tokens = tokensIn(readTokens(path, source), source);
  const look = () => {
    try {
      tokens.replace(tokensIn(readTokens(path, source), source).all);
      log.info({ path, tokens: tokens.all.map(({ name }) => name) }, 'reloaded the tokens');
    } catch (error) {
      log.error({ path, reason: messageOf(error) }, 'cannot reload the tokens; the previous ones stay valid');
    }
  };
  // It watches the path, not the file, so it notices a replaced file too.
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

/** Opening a pipe without a writer would block the whole process for ever. */
function readText(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error('expected a file, found a pipe, a folder or a device');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
