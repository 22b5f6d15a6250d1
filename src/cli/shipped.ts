import type { ConfigurableSystem, System } from '../server/declared-system.ts';
import type { SystemCommand } from './system-commands.ts';

export type DeclaredSystem = System | ConfigurableSystem;

/** What comes with the program. It is handed in by whoever puts both together: the command line knows no system by itself. */
export interface Shipped {
  readonly systems: readonly DeclaredSystem[];
  readonly commands: readonly SystemCommand[];
}
