import { STATUS_CODES } from 'node:http';
import { fastifySwagger } from '@fastify/swagger';
import { fastifySwaggerUi } from '@fastify/swagger-ui';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Logger } from 'pino';
import * as z from 'zod';
import { version } from '../version.ts';
import { accessOf, safeMethods } from './access/ask.ts';
import type { Access } from './access/role.ts';
import type { System } from './declared-system.ts';
import { jsonSchemaOf } from './parse-request.ts';
import { documentPipelines } from './pipeline-documentation.ts';
import { problemMediaType } from './problem.ts';
import { noQuery } from './query-parameters.ts';

const ProblemDetails = z.object({
  type: z.string().meta({ examples: ['urn:millrace:error:invalid-event'] }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z
    .string()
    .optional()
    .meta({ examples: ['MILL_INVALID_EVENT'] }),
  errors: z.array(z.object({ path: z.string().meta({ examples: ['events[3].type'] }), message: z.string() })).optional(),
  errorCount: z.int().optional().meta({ description: 'Total number of errors, if `errors` does not hold all of them' }),
});

/** The page loads nothing from elsewhere; Swagger UI has images in its stylesheet. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Documented {
  readonly systems: readonly System[];
  readonly log: Logger;
  readonly asksForTokens: boolean;
}

/** Adds `GET /docs`, `/openapi.json` and the redirect of `/swagger/`. Call it before other routes are added: it collects them. */
export async function documentRoutes(app: FastifyInstance, { systems, log, asksForTokens }: Documented): Promise<void> {
  await app.register(fastifySwagger, {
    convertConstToEnum: false,
    refResolver: {
      buildLocalReference: (schema, _baseUri, _fragment, index) => (typeof schema.$id === 'string' ? schema.$id : `schema-${index}`),
    },
    transformObject: (document) =>
      documentPipelines('openapiObject' in document ? document.openapiObject : document.swaggerObject, systems, log),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Millrace',
        version,
        description:
          'Durable, ordered event processing. A 2xx to a POST means that the event is on disk; errors are problem details (RFC 9457).',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The server that provides this description' }],
      components: { securitySchemes: { token: tokenScheme } },
      tags: [
        ...systems.map(({ name, description }) => ({ name, description })),
        { name: 'operator', description: 'Every pipeline: ingest events, inspect keys, redrive or discard dead letters.' },
        { name: 'server', description: 'Health, metrics and the fleet.' },
      ],
    },
  });
  app.addSchema({ $id: 'Problem', description: 'Problem details, RFC 9457', ...jsonSchemaOf(ProblemDetails, 'output') });
  app.addHook('onRoute', (route) => {
    if (route.schema?.hide === true) return;
    const access = accessOf(route.config, [route.method].flat()[0] ?? '');
    const asks = asksForTokens && access !== 'open';
    const security = access === 'open' ? [] : asks ? [{ token: [] }] : [{ token: [] }, {}];
    const operationId = route.schema?.operationId ?? operationIdOf(route);
    route.schema = { ...route.schema, operationId, security, response: describedAnswers(route, asks ? access : undefined) };
  });
  // The description shows the events and states of all pipelines, so it is closed to a token for only some of them.
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', displayRequestDuration: true },
    theme: { title: 'Millrace API' },
  });
  app.get('/openapi.json', { schema: { hide: true, querystring: noQuery } }, () => app.swagger());
  app.get('/swagger', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs', 302));
}

/** Returns an id for a route without one, by which generated clients call it: `GET /rockets/:id` is `getRocketsId`. */
function operationIdOf({ method, url }: RouteOptions): string {
  const words = url.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const capitalized = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return [[method].flat()[0]?.toLowerCase() ?? '', ...capitalized].join('');
}

/**
 * Returns a route's answers, each with a description, and its possible problems. Those common to all such routes are listed by status.
 *
 * @param role the role required of a token, if one is required
 */
function describedAnswers({ url, method, schema }: RouteOptions, role: Access | undefined): Record<string, object> {
  const documented: readonly (readonly [string, unknown])[] = Object.entries(schema?.response ?? {});
  const described = documented.map(([status, answer]) => {
    const schema = typeof answer === 'object' ? answer : {};
    return [status, { description: STATUS_CODES[status] ?? 'Answer', ...schema }] as const;
  });
  const forbidden = [
    ...(role === undefined ? [] : [`The token does not allow ${role}, or not here`]),
    ...([method].flat().every((one) => safeMethods.has(one)) ? [] : ['The request came from a page of another origin']),
  ];
  return {
    ...(role !== undefined && { 401: { ...problem('The token is missing or unknown'), headers: challenge } }),
    ...(forbidden.length > 0 && { 403: problem(forbidden.join('. ')) }),
    ...(url.includes(':') && { 404: problem('Not found') }),
    ...(schema?.body !== undefined && { 415: { ...problem('The body is compressed'), headers: acceptEncoding } }),
    ...Object.fromEntries(described),
    '4xx': problem('Problem details, RFC 9457'),
    '5xx': problem('Problem details, RFC 9457'),
  };
}

const tokenScheme = {
  type: 'http',
  scheme: 'bearer',
  description: 'A token created by `millrace token`, if the server requires one. Its role is ingest, read or operate.',
} as const;

const challenge = { 'WWW-Authenticate': { type: 'string', description: 'The required scheme, Bearer, and the error' } };
const acceptEncoding = { 'Accept-Encoding': { type: 'string', const: 'identity', description: 'The accepted encoding' } };

function problem(description: string): object {
  return { description, content: { [problemMediaType]: { schema: { $ref: 'Problem#' } } } };
}
