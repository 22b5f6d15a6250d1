import type { FastifyInstance } from 'fastify';
import { v7 as newId } from 'uuid';
import * as z from 'zod';
import { jsonSchemaOf, type Mill, noQuery, parseRequest, traceOf } from '../../src/index.ts';
import { findMessage, type ListName, listings, listMessages, MessageAnswer, MessageList, MessageQuery } from './list.ts';
import { type MessageEvent, NewMessage } from './message.ts';
import { toText } from './moment.ts';
import { pipelineName } from './pipeline.ts';

const Params = z.object({ id: z.string() });

/** Adds the routes of the messages. */
export function addMessageRoutes(app: FastifyInstance, mill: Mill): void {
  const message = jsonSchemaOf(MessageAnswer, 'output');

  app.post(
    '/messages/pending',
    {
      schema: {
        summary: 'Take a message in; a batch sends it',
        body: jsonSchemaOf(NewMessage),
        querystring: noQuery,
        response: { 201: message },
      },
    },
    async (request, reply) => {
      const { to, content } = await parseRequest(NewMessage, request.body);
      const id = newId();
      const createdAt = toText(Date.now());
      const event: MessageEvent = { kind: 'submitted', id, to, content, createdAt };
      await mill.ingest(pipelineName, event, traceOf(request));
      // Whoever has the answer finds the row.
      await mill.keys(pipelineName, [id]);
      const answer: MessageAnswer = {
        id,
        to,
        content,
        status: 'PENDING',
        messageId: null,
        sentAt: null,
        createdAt,
        updatedAt: createdAt,
      };
      return reply.code(201).header('location', `/messages/${id}`).send(answer);
    },
  );

  for (const name of Object.keys(listings) as ListName[]) {
    const { status, column } = listings[name];
    app.get(
      `/messages/${name}`,
      {
        schema: {
          summary: `Messages that are ${status}, newest ${column} first`,
          querystring: jsonSchemaOf(MessageQuery),
          response: { 200: jsonSchemaOf(MessageList, 'output') },
        },
      },
      async (request) => listMessages(mill, name, await parseRequest(MessageQuery, request.query)),
    );
  }

  app.get(
    '/messages/:id',
    { schema: { summary: 'One message', params: jsonSchemaOf(Params), querystring: noQuery, response: { 200: message } } },
    async (request) => findMessage(mill, (await parseRequest(Params, request.params)).id),
  );
}
