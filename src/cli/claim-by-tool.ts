/** The claim of a tool that takes a journal from its masters for good: what stands in it as its last entry, for those that still read it. */
import { hostname } from 'node:os';
import { systemClock } from '../base/system-clock.js';
import type { Settings } from '../config/settings.js';
import type { ClaimRequest } from '../journal/journal.js';
import { encodeEntry } from '../metadata/entries.js';
import { groupName } from './system-user.js';

export function claimByTool(tool: string, settings: Settings): Pick<ClaimRequest, 'entry'> {
  const claim = { host: `${tool}@${hostname()}`, owner: settings.securityLoginUsername, group: groupName() };
  return {
    entry(epoch, notBeforeMs) {
      const timeMs = Math.max(notBeforeMs, Math.floor(systemClock.wallMs()));
      return { bytes: encodeEntry({ timeMs, claim: { epoch, ...claim } }), timeMs };
    },
  };
}
