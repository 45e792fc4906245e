/**
 * What no master may ever say, unless something was damaged on purpose: one that finds its state to differ rebuilds it, and all looks well
 * again, which is a violation all the same.
 */

/** What was damaged so far. */
interface Damage {
  /** Hosts whose disks were. */
  readonly damaged: ReadonlySet<string>;
  readonly checkpointsDamaged: number;
  /** Workers' hosts whose disks may have lost or changed something. */
  readonly doubtedDisks: ReadonlySet<string>;
}

const SAID: readonly (readonly [says: RegExp, violates: string, unless: (damage: Damage, host: string) => boolean])[] = [
  // One that was named a moment ago may have been given up for a newer one meanwhile.
  [/a checkpoint cannot be used(?!.*no such checkpoint)/, 'I4', ({ checkpointsDamaged }) => checkpointsDamaged > 0],
  [/the position is not on the journal's chain/, 'I1, I4', () => false],
  [/what the leader sent does not follow/, 'I4', () => false],
  [/the state differs from the leader's/, 'I4', ({ damaged }, host) => damaged.has(host)],
  [/the metastore has lost writes|rows do not add up|metastore is not loaded to its end/, 'I4', ({ damaged }, host) => damaged.has(host)],
  [/a block is damaged/, 'W2', ({ doubtedDisks }, host) => doubtedDisks.has(host)],
  [/can follow the journal no further/, 'I7, I10', () => false],
  [/\bcorrupt\b/, 'I7', ({ damaged, checkpointsDamaged }, host) => damaged.has(host) || checkpointsDamaged > 0],
];

/** @returns the violation that `text`, a warning or an error of the process `by`, tells of. */
export function violationIn(by: string, text: string, damage: Damage): string | undefined {
  const host = by.split('#', 1)[0] ?? '';
  const found = SAID.find(([says, , unless]) => says.test(text) && !unless(damage, host));
  return found === undefined ? undefined : `${found[1]}: ${text}`;
}
