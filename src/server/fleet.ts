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
  partitions: z.int().meta({ description: 'How many partitions it works on' }),
  self: z.boolean().meta({ description: 'Whether it is the one that answers' }),
});

const FleetAnswer = z.object({
  members: z.array(FleetMember),
  partitions: z.int().meta({ description: 'The partitions of all pipelines' }),
  unowned: z.int().meta({ description: 'Those that nobody works on at the moment' }),
});

/** Adds `GET /fleet`: the processes that work on the database. */
export function fleetRoutes(app: FastifyInstance, mill: Mill): void {
  const answer = { description: 'Those that live, in the order in which they came', ...jsonSchemaOf(FleetAnswer, 'output') };
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
