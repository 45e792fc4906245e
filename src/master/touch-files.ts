/** Journals what was noted of reads (access-times.ts), for many files in one entry. */
import type { AccessTimesSettings } from './access-times.js';
import { appendStep, type HousekeepingDeps, type HousekeepingStep, PAUSE_MS } from './housekeeping-step.js';

const FILES_PER_ENTRY = 1_000;
const INTERVAL_MS_MAX = 1_000;

export function touchFiles(settings: AccessTimesSettings, deps: HousekeepingDeps): HousekeepingStep {
  const { leadership, accessTimes } = deps;
  return async () => {
    const restMs = settings.accessTimePrecisionMs === 0 ? INTERVAL_MS_MAX : Math.min(INTERVAL_MS_MAX, settings.accessTimePrecisionMs);
    if (accessTimes.noted === 0) return restMs;
    await appendStep(leadership, (state) => {
      const accesses = accessTimes.take(FILES_PER_ENTRY).filter(({ inodeId }) => state.parentOf(inodeId) !== null);
      if (accesses.length === 0) return null;
      return { touch: { inodeIds: accesses.map(({ inodeId }) => inodeId), accessedMs: accesses.map(({ accessedMs }) => accessedMs) } };
    });
    return accessTimes.noted === 0 ? restMs : PAUSE_MS;
  };
}
