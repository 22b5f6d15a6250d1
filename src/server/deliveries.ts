import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { byWhom, whyBody } from './by-whom.ts';
import { jsonSchemaOf } from './parse-request.ts';

const Params = z.object({
  pipeline: z.string().meta({ description: 'The name of a pipeline' }),
  endpoint: z.string().meta({ description: 'The name of an endpoint that the pipeline no longer declares' }),
});
type Route = { Params: z.infer<typeof Params> };

const Withdrawn = z.object({ withdrawn: z.int().meta({ description: 'How many deliveries there were' }) });

/** Adds the route that withdraws deliveries. */
export function deliveryRoutes(app: FastifyInstance, mill: Mill): void {
  app.post<Route>(
    '/pipelines/:pipeline/deliveries/:endpoint/withdraw',
    {
      schema: {
        tags: ['operator'],
        summary: 'Withdraw the deliveries to an endpoint that is no longer declared',
        description: 'Nobody is called and no key is told. To let them go on, declare the endpoint again and restart.',
        params: jsonSchemaOf(Params),
        body: whyBody,
        response: { 200: jsonSchemaOf(Withdrawn) },
      },
    },
    async (request) => {
      const { pipeline, endpoint } = request.params;
      return { withdrawn: await mill.withdraw(pipeline, endpoint, await byWhom(request)) };
    },
  );
}
