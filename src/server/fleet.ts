import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { jsonSchemaOf } from './parse-request.ts';

const FleetMember = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.int(),
  version: z.string(),
  since: z.iso.datetime(),
  partitions: z.int().meta({ description: 'Number of partitions it owns' }),
  self: z.boolean().meta({ description: 'True for the process that answers' }),
});

const FleetAnswer = z.object({
  members: z.array(FleetMember),
  partitions: z.int().meta({ description: 'Number of partitions of all pipelines' }),
  unowned: z.int().meta({ description: 'Number of partitions without an owner' }),
});

/** Adds `GET /fleet`: the processes that work on the database. */
export function fleetRoutes(app: FastifyInstance, mill: Mill): void {
  const answer = { description: 'The live processes, in the order in which they joined', ...jsonSchemaOf(FleetAnswer, 'output') };
  const schema = {
    tags: ['server'],
    operationId: 'getFleet',
    summary: 'The processes that work on the database',
    response: { 200: answer },
  };
  app.get('/fleet', { schema, config: { access: 'read' } }, async () => {
    const { members, ...fleet } = await mill.fleet();
    return { members: members.map(({ since, ...member }) => ({ ...member, since: new Date(since).toISOString() })), ...fleet };
  });
}
