import type { ConfigurableSystem, System } from '../server/declared-system.ts';
import type { SystemCommand } from './system-commands.ts';

export type DeclaredSystem = System | ConfigurableSystem;

/** The systems and commands that come with the program. They are passed in: the command line itself knows no systems. */
export interface Shipped {
  readonly systems: readonly DeclaredSystem[];
  readonly commands: readonly SystemCommand[];
}
