import type { FastifyRequest } from 'fastify';
import { MillraceError } from '../errors.ts';
import { isLimited, mayUse } from './access/guard.ts';

/** Throws `MILL_FORBIDDEN` if the token covers only some pipelines and the list is for another one, or for all. */
export function checkPipeline(request: FastifyRequest, pipeline: string | undefined): void {
  if (!isLimited(request) || (pipeline !== undefined && mayUse(request, pipeline))) return;
  throw new MillraceError('MILL_FORBIDDEN', 'pipeline: expected a pipeline that the token covers');
}
