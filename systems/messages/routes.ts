import type { FastifyInstance } from 'fastify';
import { v7 as newId } from 'uuid';
import * as z from 'zod';
import { type Mill, MillraceError } from '../../src/index.ts';
import { idempotencyKeyHeader, jsonSchemaOf, noQuery, parseRequest, signalOf, traceOf } from '../../src/server/index.ts';
import { inPlainWords } from '../shared/plain-words.ts';
import { uuidKeyOf } from '../shared/uuid.ts';
import { findMessage, type ListName, listings, listMessages, MessageAnswer, MessageList, MessageQuery, readMessage } from './list.ts';
import { type MessageEvent, NewMessage } from './message.ts';
import { toText } from './moment.ts';
import { pipelineName } from './pipeline.ts';

const Params = z.object({ id: z.string() });

/** Adds the routes of the messages. */
export function addMessageRoutes(app: FastifyInstance, mill: Mill): void {
  const message = jsonSchemaOf(MessageAnswer, 'output');

  const headers = idempotencyKeyHeader('A UUID: the id of the message. A repeated request adds nothing and returns the first message');
  app.post(
    '/messages/pending',
    {
      schema: {
        summary: 'Add a message, for a batch to send',
        headers,
        body: jsonSchemaOf(NewMessage),
        querystring: noQuery,
        response: { 201: message },
      },
      config: { access: 'ingest' },
    },
    async (request, reply) => {
      const { to, content } = await parseRequest(inPlainWords(NewMessage), request.body);
      const key = uuidKeyOf(request);
      const id = key.id ?? newId();
      const createdAt = toText(Date.now());
      const event: MessageEvent = { kind: 'submitted', id, to, content, createdAt };
      const { status } = await mill.ingest(pipelineName, event, { ...traceOf(request), ...key });
      // A client that has the answer finds the row.
      await mill.keys(pipelineName, [id]);
      const added: MessageAnswer = {
        id,
        to,
        content,
        status: 'PENDING',
        messageId: null,
        sentAt: null,
        createdAt,
        updatedAt: createdAt,
      };
      // There may have been a row with that id before, which stays unchanged.
      const found = key.id === undefined ? undefined : await readMessage(mill, id);
      if (found === undefined && status === 'duplicate')
        throw new MillraceError('MILL_CONFLICT', `Idempotency-Key: the message ${id} was accepted, but is deleted or not written yet`);
      const answer = found ?? added;
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
      async (request, reply) =>
        listMessages(mill, name, await parseRequest(inPlainWords(MessageQuery), request.query), { signal: signalOf(reply) }),
    );
  }

  app.get(
    '/messages/:id',
    { schema: { summary: 'One message', params: jsonSchemaOf(Params), querystring: noQuery, response: { 200: message } } },
    async (request, reply) => findMessage(mill, (await parseRequest(Params, request.params)).id, { signal: signalOf(reply) }),
  );
}
