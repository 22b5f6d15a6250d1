import * as z from 'zod';
import { isA, type RocketMessage } from './message.ts';

/** What is known of a rocket: the fold of its messages in the order of their numbers. */
export const Rocket = z.object({
  id: z.string(),
  type: z.string(),
  speed: z.number(),
  mission: z.string(),
  status: z.enum(['ACTIVE', 'EXPLODED']),
  /** Only of one that exploded. */
  explosionReason: z.string().optional(),
  lastMessageNumber: z.int(),
  /** The `messageTime` of that message, as it came. */
  lastUpdated: z.string(),
});
export type Rocket = z.infer<typeof Rocket>;

/**
 * The rocket after its next message. `undefined` for as long as it was not launched: what comes before a launch has
 * nothing to act on. Launched again, it starts over with what the launch says.
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

/** Infinity is neither JSON nor a column's value. */
function finite(speed: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, speed));
}
