import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRetention } from '../../src/journal/checkpoints.js';
import { type CheckpointRecord, NO_RETENTION, type RetentionRecord } from '../../src/metadata/records.js';
import { asRetention, withCheckpoint } from '../../src/metadata/retention.js';

const made = (sn: number): CheckpointRecord => ({
  sn,
  hash: new Uint8Array(32).fill(sn),
  id: new Uint8Array(16),
  epoch: 1,
  bytes: 1,
  madeMs: 1,
});
const published = (sns: readonly number[], keep: number) => sns.reduce((kept, sn) => withCheckpoint(kept, made(sn), keep), NO_RETENTION);
const shown = ({ checkpoints, boundarySn }: RetentionRecord) => [checkpoints.map(({ sn }) => sn), boundarySn];

describe('retention', () => {
  it('nothing is given up before there are enough checkpoints; then all up to the oldest', () => {
    expect(shown(published([10], 3))).toEqual([[10], 0]);
    expect(shown(published([10, 20], 3))).toEqual([[20, 10], 0]);
    expect(shown(published([10, 20, 30], 3))).toEqual([[30, 20, 10], 10]);
    expect(shown(published([10, 20, 30, 40], 3))).toEqual([[40, 30, 20], 20]);
    expect(shown(published([10], 1))).toEqual([[10], 10]);
  });

  it('any checkpoints, however many are to be kept: the journal can keep it, and the boundary never goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 8 })), { maxLength: 30 }), (steps) => {
        let kept = NO_RETENTION;
        let sn = 0;
        for (const [more, keep] of steps) {
          sn += more;
          const next = withCheckpoint(kept, made(sn), keep);
          expect(next.boundarySn).toBeGreaterThanOrEqual(kept.boundarySn);
          expect(next.checkpoints[0]?.sn).toBe(sn);
          expect(next.checkpoints.length).toBeLessThanOrEqual(keep);
          checkRetention(asRetention(next), sn);
          kept = next;
        }
      }),
    );
  });
});
