import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import { validateInPlainWords } from '../shared/plain-words.ts';
import { RowText, SortedText } from '../shared/text.ts';
import { Timestamp } from '../shared/timestamp.ts';
import { Uuid } from '../shared/uuid.ts';

const notEmpty = 'expected a non-empty text';
const Name = SortedText.min(1, notEmpty);

const metadata = {
  channel: Uuid,
  messageNumber: z.int().min(1).meta({ description: 'The order within the channel.' }),
  messageTime: Timestamp,
};

/** One schema per message type. */
const schemas = {
  RocketLaunched: messageOf('RocketLaunched', { type: Name, launchSpeed: z.number().min(0), mission: Name }),
  RocketSpeedIncreased: messageOf('RocketSpeedIncreased', { by: z.number().positive() }),
  RocketSpeedDecreased: messageOf('RocketSpeedDecreased', { by: z.number().positive() }),
  RocketExploded: messageOf('RocketExploded', { reason: RowText.min(1, notEmpty) }),
  RocketMissionChanged: messageOf('RocketMissionChanged', { newMission: Name }),
};
const anySchema = z.union(Object.values(schemas));

export type MessageType = keyof typeof schemas;

/** A message of one type, or of any. */
export type RocketMessage<T extends MessageType = MessageType> = z.infer<(typeof schemas)[T]>;

/**
 * A message as it arrives. Its type selects the schema: a plain union would try all of them on every message, and could not tell which of
 * the errors is relevant.
 */
export const RocketMessage: StandardSchemaV1<z.input<typeof anySchema>, RocketMessage> & StandardJSONSchemaV1 = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate(message) {
      const type = propertyOf(propertyOf(message, 'metadata'), 'messageType');
      return isMessageType(type) ? validateInPlainWords(schemas[type], message) : { issues: faultsOf(message) };
    },
    jsonSchema: anySchema['~standard'].jsonSchema,
  },
};

/** Returns whether a message is of this type, for the compiler too. */
export function isA<T extends MessageType>(type: T, message: RocketMessage): message is Extract<RocketMessage, RocketMessage<T>> {
  return message.metadata.messageType === type;
}

function messageOf<T extends string, Shape extends z.ZodRawShape>(type: T, shape: Shape) {
  return z.object({ metadata: z.object({ ...metadata, messageType: z.literal(type) }), message: z.object(shape) });
}

const untyped = z.object({
  metadata: z.object({ ...metadata, messageType: z.enum(Object.keys(schemas)) }),
  message: z.looseObject({}),
});

/** Returns every fault of a message whose type is unknown, including its type. */
function faultsOf(message: unknown): readonly StandardSchemaV1.Issue[] {
  return validateInPlainWords(untyped, message).issues ?? [];
}

function isMessageType(type: unknown): type is MessageType {
  return typeof type === 'string' && Object.hasOwn(schemas, type);
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
