/** Randomness, injected: from the operating system in production, from a seed in simulations. */
export interface Random {
  /** @returns a number in [0, 1). */
  float(): number;
  /** @returns `count` random bytes, the caller's to keep. */
  bytes(count: number): Uint8Array;
}
