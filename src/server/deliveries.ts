import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { byWhom, whyBody } from './by-whom.ts';
import { jsonSchemaOf } from './parse-request.ts';

const Params = z.object({
  pipeline: z.string().meta({ description: 'The name of a pipeline' }),
  endpoint: z.string().meta({ description: 'The name of an endpoint the pipeline no longer declares' }),
});
type Route = { Params: z.infer<typeof Params> };

const Withdrawn = z.object({ withdrawn: z.int().meta({ description: 'Number of withdrawn deliveries' }) });

const NameParams = z.object({
  pipeline: z.string().meta({ description: 'The name of a pipeline' }),
  key: z.string(),
  endpoint: z.string().meta({ description: 'The name of an endpoint' }),
  id: z.string().meta({ description: 'The id of the delivery' }),
});
type NameRoute = { Params: z.infer<typeof NameParams> };

const Named = NameParams.meta({ examples: [{ pipeline: 'orders', key: 'ord_7', endpoint: 'shop', id: 'ord_7/paid' }] });

const acts = {
  send: {
    operationId: 'sendDelivery',
    summary: 'Make a delivery due now',
    description:
      "Overrides any wait. The endpoint's limits still apply, and an ordered delivery stays behind earlier ones. 409 while its call is in progress, or if its endpoint is no longer declared.",
  },
  withdraw: {
    operationId: 'withdrawDelivery',
    summary: 'Withdraw a delivery',
    description:
      'The call is never made. Its key handles the outcome `given up`, in order and with the reason. 409 while its call is in progress.',
  },
} as const;

/** Adds the routes that send or withdraw deliveries. */
export function deliveryRoutes(app: FastifyInstance, mill: Mill): void {
  actRoute(app, mill, 'send');
  actRoute(app, mill, 'withdraw');

  app.post<Route>(
    '/pipelines/:pipeline/deliveries/:endpoint/withdraw',
    {
      schema: {
        tags: ['operator'],
        operationId: 'withdrawDeliveries',
        summary: 'Withdraw the deliveries to an endpoint that is no longer declared',
        description: 'No calls are made and no key is notified. To resume them instead, declare the endpoint again and restart.',
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

function actRoute(app: FastifyInstance, mill: Mill, act: keyof typeof acts): void {
  app.post<NameRoute>(
    `/pipelines/:pipeline/keys/:key/deliveries/:endpoint/:id/${act}`,
    {
      schema: { tags: ['operator'], ...acts[act], params: jsonSchemaOf(NameParams), body: whyBody, response: { 200: jsonSchemaOf(Named) } },
    },
    async (request) => {
      const { pipeline, ...name } = request.params;
      const by = await byWhom(request);
      await (act === 'send' ? mill.sendDelivery(pipeline, name, by) : mill.withdrawDelivery(pipeline, name, by));
      return request.params;
    },
  );
}
