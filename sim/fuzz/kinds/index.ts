import type { Kind } from '../attempt.ts';
import { bodyKinds } from './bodies.ts';
import { byteKinds } from './bytes.ts';
import { connectionKinds } from './connections.ts';
import { framingKinds } from './framing.ts';
import { headerKinds } from './headers.ts';
import { timingKinds } from './timing.ts';
import { urlKinds } from './urls.ts';

/** Every kind of attempt. */
export const kinds: readonly Kind[] = [
  ...bodyKinds,
  ...byteKinds,
  ...urlKinds,
  ...headerKinds,
  ...framingKinds,
  ...timingKinds,
  ...connectionKinds,
];
