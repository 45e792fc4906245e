/**
 * Numbers that must not be mixed up. All are safe integers, below 2^53.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** Position of an entry in the journal: 1, 2, 3 …; 0 is before the first. */
export type Sequence = Branded<'Sequence'>;
/** Number of one leadership, 1, 2, 3 …; 0 where there has been none. */
export type Epoch = Branded<'Epoch'>;

export const sequence = (value: number): Sequence => value as Sequence;
export const epoch = (value: number): Epoch => value as Epoch;
