import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Guard } from './access/guard.ts';
import { roles } from './access/role.ts';
import { jsonSchemaOf } from './parse-request.ts';

const AccessAnswer = z
  .object({
    asksForTokens: z.boolean().meta({ description: 'True if the server requires tokens' }),
    token: z
      .object({
        name: z.string(),
        role: z.enum(roles),
        pipelines: z.array(z.string()).nullable().meta({ description: 'The only pipelines it covers; null: all' }),
      })
      .nullable()
      .meta({ description: 'The token of the request; null if it has no valid one' }),
  })
  .meta({ examples: [{ asksForTokens: true, token: { name: 'ann', role: 'operate', pipelines: null } }] });

/** Adds `GET /access`: the permissions of a request's token. */
export function accessRoute(app: FastifyInstance, guard: Guard): void {
  app.get(
    '/access',
    {
      schema: {
        tags: ['server'],
        operationId: 'getAccess',
        summary: "Permissions of the request's token",
        description: 'Open to anyone. Guessing tokens is throttled, as on every route.',
        response: { 200: jsonSchemaOf(AccessAnswer, 'output') },
      },
      config: { access: 'open' },
    },
    ({ raw }): z.infer<typeof AccessAnswer> => {
      const token = guard.tokenOf(raw);
      const shown = token && { name: token.name, role: token.role, pipelines: token.pipelines ? [...token.pipelines] : null };
      return { asksForTokens: guard.asksForTokens, token: shown ?? null };
    },
  );
}
