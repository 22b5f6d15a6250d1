import * as z from 'zod';
import { FreeForm } from '../shared/free-form.ts';
import { RowText, SortedText } from '../shared/text.ts';

/** Longer ids would leave no room for a version in an event's id, which has at most 512 characters. */
const idLengthMax = 490;

/** Maximum bytes of an id and a type in UTF-8, which share an index: an entry has at most 2,704 on PostgreSQL, including a number. */
const namesBytesMax = 2_600;
/** Maximum UTF-8 bytes of a UTF-16 unit. */
const unitBytesMax = 3;

/** 317 years, so that a callback's year has four digits. */
const callbackTimeMsMax = 10_000_000_000_000;

/** Maximum nesting of a body; code that walks much deeper ones would exhaust its stack. */
const levelsMax = 500;

/** The id of an account. */
const AccountId = RowText.min(1).max(idLengthMax);

export const AccountType = SortedText.min(1);

/** A version of an account as it arrives. Numbers are exact: any that JSON would round is refused. */
export const AccountUpdate = z
  .object({
    id: AccountId,
    accountType: AccountType,
    tokens: z.int().min(0),
    callbackTimeMs: z.int().min(0).max(callbackTimeMsMax).meta({ description: 'Delay from acceptance to the callback.' }),
    data: FreeForm.refine((data) => hasAtMost(levelsMax, data), { error: `expected at most ${levelsMax} levels of nesting` }).default({}),
    version: z.int().min(0).default(0).meta({ description: 'A version that is not newer than the present one is ignored.' }),
  })
  .refine(areShort, {
    path: ['accountType'],
    error: `expected an id and an accountType of at most ${namesBytesMax} bytes in UTF-8 together`,
  });
export type AccountUpdate = z.infer<typeof AccountUpdate>;

/** Identifies an update: the same version of the same account is the same update, whoever sends it again. */
export function updateIdOf({ id, version }: Pick<AccountUpdate, 'id' | 'version'>): string {
  return `${id}#${version}`;
}

/** Few are long enough for their bytes to be counted. */
function areShort({ id, accountType }: { readonly id: string; readonly accountType: string }): boolean {
  if ((id.length + accountType.length) * unitBytesMax <= namesBytesMax) return true;
  return Buffer.byteLength(id) + Buffer.byteLength(accountType) <= namesBytesMax;
}

function hasAtMost(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((child) => hasAtMost(levels - 1, child));
}
