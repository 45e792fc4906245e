/** Modes as people read them. */

/** @returns `drwxr-xr-x`. */
export function formatMode({ directory, mode }: { readonly directory: boolean; readonly mode: number }): string {
  const bits = Array.from('rwxrwxrwx', (letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  const special = [
    { bit: 0o4000, at: 2, set: 's', bare: 'S' },
    { bit: 0o2000, at: 5, set: 's', bare: 'S' },
    { bit: 0o1000, at: 8, set: 't', bare: 'T' },
  ];
  for (const { bit, at, set, bare } of special) if (mode & bit) bits[at] = bits[at] === 'x' ? set : bare;
  return (directory ? 'd' : '-') + bits.join('');
}
