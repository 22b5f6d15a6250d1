import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MillraceError } from '../errors.ts';
import { type PageFile, readPage } from './page-files.ts';

/** The page loads its parts from here, calls this server, and runs nothing inlined in its HTML. */
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

/** A name includes a hash of the contents, so the file never changes. */
const forEver = 'public, max-age=31536000, immutable';

/**
 * Adds the operator's page: `GET /`, and `GET /page/…` for its parts. It contains nothing secret, so anyone may load it; it requests its
 * data with the viewer's token.
 */
export async function pageRoutes(app: FastifyInstance): Promise<void> {
  const files = await readPage();
  const config = { access: 'open', pipelines: [] } as const;
  app.get('/', { schema: { hide: true }, config }, (request, reply) => {
    const page = files?.get('index.html');
    if (page === undefined)
      throw new MillraceError('MILL_NOT_FOUND', 'the page is not built; run npm run page to build it. GET /docs has the API');
    return answerFile(request, reply.header('cache-control', 'no-cache').header('content-security-policy', contentSecurityPolicy), page);
  });
  app.get<{ Params: { file: string } }>('/page/:file', { schema: { hide: true }, config }, (request, reply) => {
    const file = files?.get(request.params.file);
    if (file === undefined) throw new MillraceError('MILL_NOT_FOUND', `expected a file of the page, found ${request.params.file}`);
    return answerFile(request, reply.header('cache-control', forEver), file);
  });
}

function answerFile(request: FastifyRequest, reply: FastifyReply, { type, body, compressed, etag }: PageFile): FastifyReply {
  reply.header('etag', etag).header('vary', 'accept-encoding').type(type);
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const accepts = String(request.headers['accept-encoding'] ?? '').split(/\s*,\s*/);
  if (compressed === undefined || !accepts.includes('br')) return reply.send(body);
  return reply.header('content-encoding', 'br').send(compressed);
}
