import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import { checkFreeForm, FreeForm } from '../shared/free-form.ts';
import { validateInPlainWords } from '../shared/plain-words.ts';
import { UtcTimestamp } from '../shared/timestamp.ts';
import { Uuid } from '../shared/uuid.ts';

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type EventType = z.infer<typeof EventType>;
export const EventType = z.enum(['user_action', 'sensor_data', 'system_log']);

export type EventSource = z.infer<typeof EventSource>;
export const EventSource = z.enum(['web', 'mobile', 'iot_device', 'system']);

/** 1 to 50 characters, however many bytes each takes. Half of a surrogate pair and U+0000 are excluded: a row could not hold them. */
export const UserId = z
  .string()
  .regex(/^[^\p{Surrogate}\0]{1,50}$/u, 'expected 1 to 50 characters of well-formed Unicode without U+0000')
  .meta({ minLength: 1, maxLength: 50, pattern: undefined });

/** An accepted event. */
export interface Event {
  /** Undefined: the engine generates one, and the turn has it. */
  readonly id?: string | undefined;
  readonly type: EventType;
  readonly source: EventSource;
  /** RFC 3339. Undefined: the time of acceptance. */
  readonly timestamp?: string | undefined;
  readonly user_id?: string | undefined;
  readonly data: JsonObject;
}

/** The first of the three seams: validates and parses events. */
export type EventValidator = StandardSchemaV1<unknown, Event>;

const common = {
  id: Uuid.optional().meta({ description: 'A UUID; generated if absent. An event with a known id is a duplicate.' }),
  source: EventSource,
  timestamp: UtcTimestamp.optional().meta({ description: 'RFC 3339; defaults to now.' }),
  user_id: UserId.optional(),
};
const AnyObject = z.record(z.string(), z.unknown(), 'expected an object');

const UserAction = z.object({
  type: EventType.extract(['user_action']),
  ...common,
  data: z
    .looseObject({
      action: z.enum(['login', 'purchase', 'click', 'error']).optional(),
      value: z.number().optional(),
      metadata: AnyObject.optional(),
    })
    .superRefine(checkFreeForm),
});
const Other = z.object({ type: EventType.exclude(['user_action']), ...common, data: FreeForm });
/** Finds every fault of an event whose type is unknown, including its type. */
const Untyped = Other.extend({ type: EventType });

/** The default. The type of an event selects its schema, so that every fault is reported, and none twice. */
export const eventValidator: EventValidator & StandardJSONSchemaV1 = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate(event) {
      return isUserAction(event) ? validateInPlainWords(UserAction, event) : validateInPlainWords(Untyped, event);
    },
    jsonSchema: z.union([UserAction, Other])['~standard'].jsonSchema,
  },
};

function isUserAction(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'type' in event && event.type === 'user_action';
}
