import * as z from 'zod';
import { isA, type RocketMessage } from './message.ts';

/** The state of a rocket: the fold of its messages in number order. */
export const Rocket = z.object({
  id: z.string(),
  type: z.string(),
  speed: z.number(),
  mission: z.string(),
  status: z.enum(['ACTIVE', 'EXPLODED']),
  /** Only for an exploded rocket. */
  explosionReason: z.string().optional(),
  lastMessageNumber: z.int(),
  /** The `messageTime` of that message, unchanged. */
  lastUpdated: z.string(),
});
export type Rocket = z.infer<typeof Rocket>;

/**
 * Returns the rocket after its next message. `undefined` until it is launched: earlier messages have nothing to act on. A second launch
 * starts over.
 */
export function apply(rocket: Rocket | undefined, event: RocketMessage): Rocket | undefined {
  const { channel, messageNumber, messageTime } = event.metadata;
  const last = { lastMessageNumber: messageNumber, lastUpdated: messageTime };
  if (isA('RocketLaunched', event)) {
    const { type, launchSpeed, mission } = event.message;
    return { id: channel, type, speed: launchSpeed, mission, status: 'ACTIVE', ...last };
  }
  if (rocket === undefined) return undefined;
  if (isA('RocketSpeedIncreased', event)) return { ...rocket, speed: finite(rocket.speed + event.message.by), ...last };
  if (isA('RocketSpeedDecreased', event)) return { ...rocket, speed: finite(rocket.speed - event.message.by), ...last };
  if (isA('RocketExploded', event)) return { ...rocket, status: 'EXPLODED', explosionReason: event.message.reason, ...last };
  return { ...rocket, mission: event.message.newMission, ...last };
}

/** Infinity is neither JSON nor valid in a column. */
function finite(speed: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, speed));
}
