import * as z from 'zod';
import { faultOfText } from '../shared/text.ts';

/** Maximum characters (Unicode code points) of a message's texts. */
export const lengthMax = { to: 20, content: 255 } as const;

/** Returns the fault of a message's text; undefined if there is none. Null stands for a text far too long to be read. */
function faultOf(text: string | null, max: number): string | undefined {
  // There are never more code points than units, and counting them costs an array.
  const length = text !== null && text.length > max ? Array.from(text).length : 0;
  if (text === null || length > max) return `expected at most ${max} characters, found ${length || 'far more'}`;
  return text.trim() === '' ? `expected 1 to ${max} characters, found ${text === '' ? 'none' : 'only blanks'}` : undefined;
}

/** Returns a message's fault and where it is: `content: expected …`; undefined if it can be sent. */
export function faultOfMessage({ to, content }: { readonly to: string | null; readonly content: string | null }): string | undefined {
  const inTo = faultOf(to, lengthMax.to);
  if (inTo !== undefined) return `to: ${inTo}`;
  const inContent = faultOf(content, lengthMax.content);
  return inContent === undefined ? undefined : `content: ${inContent}`;
}

function text(max: number) {
  return z
    .string(`expected a text of 1 to ${max} characters`)
    .superRefine((value, context) => {
      const fault = faultOfText(value) ?? faultOf(value, max);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    })
    .meta({ minLength: 1, maxLength: max });
}

/** A message as it arrives over HTTP. */
export const NewMessage = z.object({
  to: text(lengthMax.to).meta({ description: 'The recipient, in the format the provider expects.' }),
  content: text(lengthMax.content),
});

/** An event of a row. */
export const MessageEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('submitted'),
    id: z.string(),
    ...NewMessage.shape,
    createdAt: z.iso.datetime(),
  }),
  /** The row's turn to be sent has come, with its current contents. Null: too long to be sent. */
  z.object({ kind: z.literal('due'), id: z.string(), to: z.string().nullable(), content: z.string().nullable() }),
]);
export type MessageEvent = z.infer<typeof MessageEvent>;
