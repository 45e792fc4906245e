/**
 * Numbers that must not be mixed up. All are safe integers, below 2^53.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** Position of an entry in the journal: 1, 2, 3 …; 0 is before the first. */
export type Sequence = Branded<'Sequence'>;
/** Number of one leadership, 1, 2, 3 …; 0 where there has been none. */
export type Epoch = Branded<'Epoch'>;
/** Identity of a file or directory, in the order of making; the root is 1. */
export type InodeId = Branded<'InodeId'>;
/** Identity of a registered client, from 1. */
export type ClientId = Branded<'ClientId'>;

export const sequence = (value: number): Sequence => value as Sequence;
export const epoch = (value: number): Epoch => value as Epoch;
export const inodeId = (value: number): InodeId => value as InodeId;
export const clientId = (value: number): ClientId => value as ClientId;
