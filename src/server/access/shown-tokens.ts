import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Token } from './token.ts';
import type { Tokens } from './tokens.ts';

/** What a connection has shown last that was good, and which tokens there were then. */
interface Shown {
  readonly authorization: string;
  readonly token: Token;
  readonly among: readonly Token[];
}

/**
 * Finds the tokens that requests show. Nearly every connection shows the same with each request, and its digest would be the better part of
 * what asking for tokens costs; so a good one is known again by the connection that has shown it. That compares with what the same
 * client has sent before, so the time it takes tells nobody anything.
 */
export class ShownTokens {
  readonly #tokens: Tokens;
  readonly #shown = new WeakMap<Socket, Shown>();

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  /** Returns the token of a request; undefined when it shows none that is good now. */
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
