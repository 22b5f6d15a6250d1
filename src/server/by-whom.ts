import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { ByWhom } from '../engine/mill-options.ts';
import { nameOfToken } from './access/guard.ts';
import { optionalBody } from './optional-body.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

/** The body field with the reason, for the audit. */
export const reason = z.string().max(1_000).optional().meta({ description: 'The reason, for the audit trail' });

const Why = z.strictObject({ reason }).meta({ examples: [{ reason: 'the provider is back' }] });

/** The body of a route that only takes a reason. It is optional. */
export const whyBody = optionalBody(jsonSchemaOf(Why));

/** Returns the sender of a request, and the reason in its body. Throws `MILL_INVALID_REQUEST` for any other body. */
export async function byWhom(request: FastifyRequest): Promise<ByWhom> {
  return { ...whoOf(request), ...(await parseRequest(Why, request.body ?? {})) };
}

/** Returns the sender of a request: the name of the token. */
export function whoOf(request: FastifyRequest): Pick<ByWhom, 'who'> {
  return { who: request.getDecorator<string | null>(nameOfToken) };
}
