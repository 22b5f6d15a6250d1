import type { FastifyInstance } from 'fastify';
import { mayUse } from './access/guard.ts';
import type { LiveFeed } from './figures/live-feed.ts';

const example = `event: figures
data: {"at":"2026-11-21T09:13:04.000Z","pipelines":{"orders":{"in":86,"out":86,"p50":2.1,"p99":6.8,"depth":4,"lag":3,"held":0,"retried":0,"givenUp":0,"health":"flowing"}},"engine":{"commitP99":4.2}}

event: sample
data: {"isSample":true,"turns":86,"items":[{"at":"2026-11-21T09:13:04.120Z","pipeline":"orders","key":"ord_7","what":"event handled"}]}
`;

/** Adds `GET /live`: current figures, once a second. */
export function liveRoute(app: FastifyInstance, live: LiveFeed): void {
  app.get(
    '/live',
    {
      schema: {
        tags: ['server'],
        operationId: 'followLive',
        summary: 'Current figures once a second, as server-sent events',
        description:
          'Each second, an event `figures` has the rates, latencies, depth and lag of every pipeline that the token may read, in the answering process. An event `sample` has a few recent items and the number of turns they were sampled from. The stream ends when the server stops or the client reads too slowly. 503 while there are too many followers.',
        response: {
          200: {
            description: 'A stream that continues until either side closes it',
            content: { 'text/event-stream': { schema: { type: 'string' }, example } },
          },
        },
      },
      config: { access: 'read', pipelines: [] },
    },
    (request, reply) => {
      live.checkRoom();
      reply.hijack();
      const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };
      // HEAD requests come here too.
      reply.raw.writeHead(200, headers as Record<string, string>);
      if (request.method === 'HEAD') reply.raw.end();
      else live.follow(reply.raw, (pipeline) => mayUse(request, pipeline));
    },
  );
}
