/**
 * A set of names that remembers a hash of each: 16 bytes a name or less, so that what is in a folder of millions can be told apart from what is not.
 *
 * Two names share a hash with a chance of one in 2^52; then the set takes one for the other.
 */
const EMPTY = -1;
const SLOTS_MIN = 1024;

export class NameSet {
  #slots = new Float64Array(SLOTS_MIN).fill(EMPTY);
  #size = 0;

  add(name: string): void {
    if (2 * this.#size >= this.#slots.length) this.#grow();
    if (put(this.#slots, hashOf(name))) this.#size += 1;
  }

  has(name: string): boolean {
    const hash = hashOf(name);
    return this.#slots[slotOf(this.#slots, hash)] === hash;
  }

  #grow(): void {
    const slots = new Float64Array(2 * this.#slots.length).fill(EMPTY);
    for (const hash of this.#slots) if (hash !== EMPTY) put(slots, hash);
    this.#slots = slots;
  }
}

/** @returns the slot that holds the hash, or the empty one where it belongs. */
function slotOf(slots: Float64Array, hash: number): number {
  const mask = slots.length - 1;
  let at = hash & mask;
  while (slots[at] !== EMPTY && slots[at] !== hash) at = (at + 1) & mask;
  return at;
}

function put(slots: Float64Array, hash: number): boolean {
  const at = slotOf(slots, hash);
  const isNew = slots[at] === EMPTY;
  slots[at] = hash;
  return isNew;
}

/** @returns 52 bits: FNV-1a and a second multiplier over the same characters. */
function hashOf(name: string): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b1;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
    high ^= high >>> 13;
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0);
}
