import * as z from 'zod';
import { RowText, SortedText } from '../shared/text.ts';

/** Longer ids would not leave room for a version in the longest id of an event, which has 512 characters. */
const idLengthMax = 490;

/** Bytes of an id and a type in UTF-8, which stand in one index: an entry of one has at most 2,704 on PostgreSQL, with a number beside them. */
const namesBytesMax = 2_600;
/** Of a UTF-16 unit in UTF-8, at most. */
const unitBytesMax = 3;

/** 317 years, so that a callback's moment has four digits for its year. */
const callbackTimeMsMax = 10_000_000_000_000;

/** As deep as a body may be; code that walks far deeper ones would exhaust its stack. */
const levelsMax = 500;

/** The id of an account. */
const AccountId = RowText.min(1).max(idLengthMax);

export const AccountType = SortedText.min(1);

/** A version of an account as it comes in. Numbers are exact: what JSON would round is refused. */
export const AccountUpdate = z
  .object({
    id: AccountId,
    accountType: AccountType,
    tokens: z.int().min(0),
    callbackTimeMs: z.int().min(0).max(callbackTimeMsMax).meta({ description: 'How long after it was taken in its callback is due.' }),
    data: z
      .record(z.string(), z.unknown(), 'expected an object')
      .refine((data) => hasAtMost(levelsMax, data), { error: `expected at most ${levelsMax} levels of nesting` })
      .default({}),
    version: z.int().min(0).default(0).meta({ description: 'A version that is not newer than the present one is ignored.' }),
  })
  .refine(areShort, {
    path: ['accountType'],
    error: `expected an id and an accountType of at most ${namesBytesMax} bytes in UTF-8 together`,
  });
export type AccountUpdate = z.infer<typeof AccountUpdate>;

/** Which update it is: the same version of the same account is the same update, whoever brings it again. */
export function updateIdOf({ id, version }: Pick<AccountUpdate, 'id' | 'version'>): string {
  return `${id}#${version}`;
}

/** Few are so long that their bytes have to be counted. */
function areShort({ id, accountType }: { readonly id: string; readonly accountType: string }): boolean {
  if ((id.length + accountType.length) * unitBytesMax <= namesBytesMax) return true;
  return Buffer.byteLength(id) + Buffer.byteLength(accountType) <= namesBytesMax;
}

function hasAtMost(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((child) => hasAtMost(levels - 1, child));
}
