import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Guard } from './access/guard.ts';
import { roles } from './access/role.ts';
import { jsonSchemaOf } from './parse-request.ts';

const AccessAnswer = z
  .object({
    asksForTokens: z.boolean().meta({ description: 'Whether the server asks for tokens at all' }),
    token: z
      .object({
        name: z.string(),
        role: z.enum(roles),
        pipelines: z.array(z.string()).nullable().meta({ description: 'The only pipelines that it is good for; null: all' }),
      })
      .nullable()
      .meta({ description: 'The token of the request; null where there is none, or none that is good here' }),
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
        summary: 'What the token of the request may do',
        description: 'Anybody may ask; who guesses tokens here is slowed down as everywhere.',
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
