import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Token } from './token.ts';
import type { Tokens } from './tokens.ts';

/** The last valid token of a connection, and the set of tokens at that time. */
interface Shown {
  readonly authorization: string;
  readonly token: Token;
  readonly among: readonly Token[];
}

/**
 * Finds the tokens of requests. Nearly every connection sends the same one with each request, and hashing it would be most of the cost of
 * checking tokens; so a connection's valid token is remembered. The comparison is with what the same client has sent before, so its
 * duration reveals nothing.
 */
export class ShownTokens {
  readonly #tokens: Tokens;
  readonly #shown = new WeakMap<Socket, Shown>();

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  /** Returns the token of a request; undefined if it has none that is currently valid. */
  find({ headers: { authorization }, socket }: IncomingMessage): Token | undefined {
    if (authorization === undefined) return undefined;
    const among = this.#tokens.all;
    const shown = this.#shown.get(socket);
    if (shown?.authorization === authorization && shown.among === among) return shown.token;
    const secret = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    const token = secret === undefined ? undefined : this.#tokens.find(secret);
    if (token !== undefined) this.#shown.set(socket, { authorization, token, among });
    return token;
  }
}
