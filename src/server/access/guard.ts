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

/** Who may use a server. */
export interface AccessOptions {
  /** Whoever calls has one of these. Without them anybody may do all, and so the server is on loopback addresses only. */
  readonly tokens?: Tokens | undefined;
  /** Without tokens, and on any address all the same. */
  readonly isOpen?: boolean;
  /** `/metrics` asks for no token. */
  readonly hasOpenMetrics?: boolean;
  /** Further names that requests may use for the server. With them no others are let in, with tokens either. */
  readonly hosts?: readonly string[];
}

type Refusal = MillraceError | undefined;

/** The lock of the server: lets in who has a token that is good for what is asked, under a name that is the server's. */
export class Guard {
  readonly hosts: Hosts;
  /** Whether it is right that other machines reach the server. */
  readonly mayListenAnywhere: boolean;
  readonly hasOpenMetrics: boolean;
  /** Requests that were not let in: without a token, with one that is none, with one that may not do this, under a host that is not ours. */
  readonly refusals = { missing: 0, unknown: 0, forbidden: 0, host: 0 };
  readonly #tokens: ShownTokens | undefined;
  readonly #asksHost: boolean;
  readonly #strangers: Strangers;

  constructor({ tokens, isOpen = false, hasOpenMetrics = false, hosts = [] }: AccessOptions, log: Logger) {
    this.hosts = new Hosts(hosts);
    this.mayListenAnywhere = isOpen || tokens !== undefined;
    this.hasOpenMetrics = hasOpenMetrics;
    this.#tokens = tokens && new ShownTokens(tokens);
    // A page that leads its name here has no token.
    this.#asksHost = tokens === undefined || hosts.length > 0;
    this.#strangers = new Strangers(log);
  }

  get asksForTokens(): boolean {
    return this.#tokens !== undefined;
  }

  /** Whether a request may pass. Allocates nothing, but for the first with a token of a connection. */
  admits(request: IncomingMessage, ask: Ask): boolean {
    if (this.#asksHost && !this.hosts.knows(request.headers.host)) return false;
    if (this.#tokens === undefined) return true;
    const token = this.#tokens.find(request);
    return token !== undefined && isGoodFor(token, ask);
  }

  /**
   * Why a request may not pass; undefined when it may. A promise is to be waited for: who guesses is slowed down. Sets what an
   * answer with the refusal says in its head.
   */
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

  /** Whether tokens are asked for and who sends this request has none that is good. */
  isStranger(request: IncomingMessage): boolean {
    return this.#tokens !== undefined && this.#tokens.find(request) === undefined;
  }

  /** The token that a request shows; undefined when it shows none that is good. */
  tokenOf(request: IncomingMessage): Token | undefined {
    return this.#tokens?.find(request);
  }

  /** Whether who sends this request may look at all that there is. */
  maySeeAll(request: IncomingMessage): boolean {
    if (this.#tokens === undefined) return true;
    const token = this.#tokens.find(request);
    return token !== undefined && isGoodFor(token, { access: 'read', pipelines: undefined });
  }

  /** Anybody is let in, and who shows a wrong token there is slowed down too: the answer may tell that it is wrong. */
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
      return new MillraceError('MILL_UNAUTHORIZED', 'expected a token, as Authorization: Bearer TOKEN, found none');
    }
    reply.header('www-authenticate', challenge('invalid_token'));
    const error = new MillraceError('MILL_UNAUTHORIZED', 'expected a token that is good here, as Authorization: Bearer TOKEN, found none');
    return this.#slowedDown(request, reply, error);
  }
}

/** The decorator of requests that has the only pipelines that the token is good for. */
export const pipelinesOfToken = 'pipelinesOfToken';

/** The decorator of requests that has the name of the token; null where none was asked for. */
export const nameOfToken = 'nameOfToken';

/** Returns whether the token of a request is good for some pipelines alone. */
export function isLimited(request: FastifyRequest): boolean {
  return request.getDecorator<ReadonlySet<string> | null>(pipelinesOfToken) !== null;
}

/** Returns whether the token of a request is good for a pipeline. */
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
  return `the token ${name} is for ${[...(pipelines ?? [])].join(', ')}; ${route} deals with ${ask.pipelines?.join(', ') ?? 'all pipelines'}`;
}

function hostMessage(host: string | undefined): string {
  return `Host: expected an address, localhost or a name that this server knows as its own (ALLOWED_HOSTS), found ${describeFound(host)}`;
}
