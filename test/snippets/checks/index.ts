import type { Block } from '../block.ts';
import type { Workshop } from '../workshop.ts';
import { inventoryOfLeftovers, linesOfLeftovers } from './leftovers.ts';
import { namedFilesAreThere } from './named-files.ts';
import { explosionIsPosted } from './rocket-explosion.ts';
import { walkIsThere } from './walk.ts';

/** Checks that compare a block with the product where running it would not do so, by the names used in pages. */
export const checks: Readonly<Record<string, (block: Block, workshop: Workshop) => void | Promise<void>>> = {
  'named files are there': namedFilesAreThere,
  'walk is there': walkIsThere,
  'lines of leftovers': linesOfLeftovers,
  'inventory of leftovers': inventoryOfLeftovers,
  'explosion is posted': explosionIsPosted,
};
