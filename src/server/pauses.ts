import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { byWhom, whyBody } from './by-whom.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const Params = z.object({ pipeline: z.string().meta({ description: 'The name of a pipeline' }) });
type Route = { Params: z.infer<typeof Params> };

const Paused = z.object({ pipeline: z.string(), paused: z.boolean() });
const Query = z.object({ key: z.string().optional().meta({ description: 'Only events of this key' }) });
const Discarded = z.object({ discarded: z.int().meta({ description: 'Number of discarded items' }) });

/**
 * Adds the routes with which an operator pauses and empties a pipeline: pause, resume, discard waiting events, discard its dead letters.
 */
export function pauseRoutes(app: FastifyInstance, mill: Mill): void {
  const tags = ['operator'];
  const params = jsonSchemaOf(Params);

  const paused = { tags, params, body: whyBody, response: { 200: jsonSchemaOf(Paused) } };
  const description =
    'Turns in progress finish, deliveries continue, and events are accepted until the backlog is full. A schedule has its own pause.';
  app.post<Route>(
    '/pipelines/:pipeline/pause',
    {
      schema: {
        ...paused,
        operationId: 'pausePipeline',
        summary: 'Pause a pipeline until it is resumed, even after a restart',
        description,
      },
    },
    async (request) => {
      const { pipeline } = request.params;
      await mill.pause(pipeline, await byWhom(request));
      return { pipeline, paused: true };
    },
  );

  app.post<Route>(
    '/pipelines/:pipeline/resume',
    { schema: { ...paused, operationId: 'resumePipeline', summary: 'Resume a paused pipeline' } },
    async (request) => {
      const { pipeline } = request.params;
      await mill.resume(pipeline, await byWhom(request));
      return { pipeline, paused: false };
    },
  );

  const discarded = { tags, params, body: whyBody, querystring: jsonSchemaOf(Query), response: { 200: jsonSchemaOf(Discarded) } };
  app.post<Route>(
    '/pipelines/:pipeline/events/discard',
    {
      schema: {
        ...discarded,
        operationId: 'discardEvents',
        summary: 'Discard the waiting events of a paused pipeline',
        description:
          'They are never handled. A parked event is removed with its dead letter; states, timers, deliveries and outcomes stay.',
      },
    },
    async (request) => {
      const options = { ...(await parseRequest(Query, request.query)), by: await byWhom(request) };
      return { discarded: await mill.discardEvents(request.params.pipeline, options) };
    },
  );

  app.post<Route>(
    '/pipelines/:pipeline/dead-letters/discard',
    {
      schema: {
        ...discarded,
        operationId: 'discardPipelineDeadLetters',
        summary: 'Discard all dead letters of a pipeline',
        description: 'Equivalent to discarding them one by one.',
      },
    },
    async (request) => {
      const options = { ...(await parseRequest(Query, request.query)), by: await byWhom(request) };
      return { discarded: await mill.discardDeadLetters(request.params.pipeline, options) };
    },
  );
}
