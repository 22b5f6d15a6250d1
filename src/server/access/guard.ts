import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { describeFound } from '../../describe-found.ts';
import { MillraceError } from '../../errors.ts';
import { type Ask, askOf, isGoodFor } from './ask.ts';
import { Hosts } from './hosts.ts';
import { permits } from './role.ts';
import { ShownTokens } from './shown-tokens.ts';
import { Strangers } from './strangers.ts';
import type { Token } from './token.ts';
import type { Tokens } from './tokens.ts';

/** Access control of a server. */
export interface AccessOptions {
  /** Callers must present one of these. Without tokens anyone may do anything, so the server listens on loopback addresses only. */
  readonly tokens?: Tokens | undefined;
  /** Allows any address even without tokens. */
  readonly isOpen?: boolean;
  /** Makes `/metrics` available without a token. */
  readonly hasOpenMetrics?: boolean;
  /** Host names that requests may use for the server. If any are set, all others are refused, even with a token. */
  readonly hosts?: readonly string[];
}

type Refusal = MillraceError | undefined;

/** The lock of the server: admits requests with a sufficient token and under one of the server's names. */
export class Guard {
  readonly hosts: Hosts;
  /** True if other machines may reach the server. */
  readonly mayListenAnywhere: boolean;
  readonly hasOpenMetrics: boolean;
  /** Refused requests: without a token, with an invalid one, with an insufficient one, or under a foreign host name. */
  readonly refusals = { missing: 0, unknown: 0, forbidden: 0, host: 0 };
  readonly #tokens: ShownTokens | undefined;
  readonly #asksHost: boolean;
  readonly #strangers: Strangers;

  constructor({ tokens, isOpen = false, hasOpenMetrics = false, hosts = [] }: AccessOptions, log: Logger) {
    this.hosts = new Hosts(hosts);
    this.mayListenAnywhere = isOpen || tokens !== undefined;
    this.hasOpenMetrics = hasOpenMetrics;
    this.#tokens = tokens && new ShownTokens(tokens);
    // A page that points its own name here has no token.
    this.#asksHost = tokens === undefined || hosts.length > 0;
    this.#strangers = new Strangers(log);
  }

  get asksForTokens(): boolean {
    return this.#tokens !== undefined;
  }

  /** Returns whether a request may pass. Allocates nothing, except for a connection's first request with a token. */
  admits(request: IncomingMessage, ask: Ask): boolean {
    if (this.#asksHost && !this.hosts.knows(request.headers.host)) return false;
    if (this.#tokens === undefined) return true;
    const token = this.#tokens.find(request);
    return token !== undefined && isGoodFor(token, ask);
  }

  /** Returns why a request may not pass; undefined if it may. Await a promise: guessing is slowed down. Sets the headers of a refusal. */
  refusalOf(request: FastifyRequest, reply: FastifyReply): Refusal | Promise<Refusal> {
    const { headers } = request;
    if (this.#asksHost && !this.hosts.knows(headers.host)) {
      this.refusals.host += 1;
      return new MillraceError('MILL_UNKNOWN_HOST', hostMessage(headers.host));
    }
    if (this.#tokens === undefined) return undefined;
    const ask = askOf(request);
    const token = this.#tokens.find(request.raw);
    if (ask !== 'any token' && ask.access === 'open') return this.#openTo(token, request, reply);
    if (token === undefined) return this.#unauthorized(request, reply);
    if (ask === 'any token' || isGoodFor(token, ask)) {
      request.setDecorator(pipelinesOfToken, token.pipelines ?? null);
      request.setDecorator(nameOfToken, token.name);
      return undefined;
    }
    this.refusals.forbidden += 1;
    reply.header('www-authenticate', challenge('insufficient_scope'));
    return new MillraceError('MILL_FORBIDDEN', forbiddenMessage(token, ask, request));
  }

  /** Returns whether tokens are required and the sender of this request has no valid one. */
  isStranger(request: IncomingMessage): boolean {
    return this.#tokens !== undefined && this.#tokens.find(request) === undefined;
  }

  /** Returns a request's token; undefined if it has no valid one. */
  tokenOf(request: IncomingMessage): Token | undefined {
    return this.#tokens?.find(request);
  }

  /** Returns whether the sender of this request may read everything. */
  maySeeAll(request: IncomingMessage): boolean {
    if (this.#tokens === undefined) return true;
    const token = this.#tokens.find(request);
    return token !== undefined && isGoodFor(token, { access: 'read', pipelines: undefined });
  }

  /** Admits anyone, but slows down senders of a wrong token too, since the answer may reveal that it is wrong. */
  #openTo(token: Token | undefined, request: FastifyRequest, reply: FastifyReply): Refusal | Promise<Refusal> {
    if (token !== undefined || request.headers.authorization === undefined) return undefined;
    return this.#slowedDown(request, reply, undefined);
  }

  /** Counts a request with a wrong token, and returns the refusal once it may be answered. */
  #slowedDown<R extends Refusal>({ ip, raw }: FastifyRequest, reply: FastifyReply, refusal: R): R | Promise<R> {
    this.refusals.unknown += 1;
    const answered = this.#strangers.noted(ip);
    if (answered instanceof Promise) return answered.then(() => refusal);
    if (answered === 'never') {
      reply.hijack();
      raw.destroy();
    }
    return refusal;
  }

  #unauthorized(request: FastifyRequest, reply: FastifyReply): MillraceError | Promise<MillraceError> {
    if (request.headers.authorization === undefined) {
      this.refusals.missing += 1;
      reply.header('www-authenticate', challenge());
      return new MillraceError('MILL_UNAUTHORIZED', 'expected a token in Authorization: Bearer TOKEN, found none');
    }
    reply.header('www-authenticate', challenge('invalid_token'));
    const error = new MillraceError('MILL_UNAUTHORIZED', 'expected a valid token in Authorization: Bearer TOKEN, found none');
    return this.#slowedDown(request, reply, error);
  }
}

/** The request decorator with the only pipelines that the token covers. */
export const pipelinesOfToken = 'pipelinesOfToken';

/** The request decorator with the name of the token; null if none was required. */
export const nameOfToken = 'nameOfToken';

/** Returns whether the token of a request covers only some pipelines. */
export function isLimited(request: FastifyRequest): boolean {
  return request.getDecorator<ReadonlySet<string> | null>(pipelinesOfToken) !== null;
}

/** Returns whether the token of a request covers a pipeline. */
export function mayUse(request: FastifyRequest, pipeline: string): boolean {
  return request.getDecorator<ReadonlySet<string> | null>(pipelinesOfToken)?.has(pipeline) ?? true;
}

/** RFC 6750, section 3. */
function challenge(error?: 'invalid_token' | 'insufficient_scope'): string {
  return error === undefined ? 'Bearer realm="millrace"' : `Bearer realm="millrace", error="${error}"`;
}

function forbiddenMessage({ name, role, pipelines }: Token, ask: Ask, { method, routeOptions: { url } }: FastifyRequest): string {
  const route = `${method} ${url}`;
  if (!permits(role, ask.access)) return `the token ${name} may ${role}; ${route} needs ${ask.access}`;
  return `the token ${name} covers ${[...(pipelines ?? [])].join(', ')}; ${route} concerns ${ask.pipelines?.join(', ') ?? 'all pipelines'}`;
}

function hostMessage(host: string | undefined): string {
  return `Host: expected an address, localhost or one of the server's names (ALLOWED_HOSTS), found ${describeFound(host)}`;
}
