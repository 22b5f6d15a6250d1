interface Metadata<Type extends string> {
  readonly channel: string;
  readonly messageNumber: number;
  readonly messageTime: string;
  readonly messageType: Type;
}

interface Message<Type extends string, Body> {
  readonly metadata: Metadata<Type>;
  readonly message: Body;
}

/** A message posted by the simulator. Defined here again, so that it shares no mistake with the system it checks. */
export type SimulatedMessage =
  | Message<'RocketLaunched', { readonly type: string; readonly launchSpeed: number; readonly mission: string }>
  | Message<'RocketSpeedIncreased', { readonly by: number }>
  | Message<'RocketSpeedDecreased', { readonly by: number }>
  | Message<'RocketExploded', { readonly reason: string }>
  | Message<'RocketMissionChanged', { readonly newMission: string }>;

/** A rocket as the API should show it once all of its messages are applied. */
export interface ExpectedRocket {
  readonly id: string;
  type: string;
  speed: number;
  mission: string;
  status: 'ACTIVE' | 'EXPLODED';
  explosionReason: string | undefined;
  lastMessageNumber: number;
  lastUpdated: string;
  readonly pendingMessages: 0;
}

/** A rocket before its first message. */
export function unlaunched(id: string): ExpectedRocket {
  return {
    id,
    type: '',
    speed: 0,
    mission: '',
    status: 'ACTIVE',
    explosionReason: undefined,
    lastMessageNumber: 0,
    lastUpdated: '',
    pendingMessages: 0,
  };
}

/** Applies the rocket's next message. */
export function advance(rocket: ExpectedRocket, { metadata, message }: SimulatedMessage): void {
  rocket.lastMessageNumber = metadata.messageNumber;
  rocket.lastUpdated = metadata.messageTime;
  if ('launchSpeed' in message) {
    rocket.type = message.type;
    rocket.speed = message.launchSpeed;
    rocket.mission = message.mission;
  } else if ('newMission' in message) {
    rocket.mission = message.newMission;
  } else if ('reason' in message) {
    rocket.status = 'EXPLODED';
    rocket.explosionReason = message.reason;
  } else {
    rocket.speed += metadata.messageType === 'RocketSpeedDecreased' ? -message.by : message.by;
  }
}
