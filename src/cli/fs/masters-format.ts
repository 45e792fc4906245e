/**
 * What `fs masterInfo` prints.
 */
import { type MasterInfo, shownState, UNREACHABLE } from '../../client/master-info.js';
import { plainTable } from '../plain-table.js';

const COLUMNS = ['Master Address', 'State', 'Epoch', 'Applied', 'Lag', 'Behind ms', 'Web Address', 'Version', 'Remark'];

export function formatMasters(masters: readonly MasterInfo[]): string {
  const leader = masters.find(({ state }) => state === 'ACTIVE');
  return `Current leader master: ${leader?.address ?? 'none'}\n${plainTable(masters.map(rowOf), COLUMNS)}`;
}

function rowOf(master: MasterInfo): string[] {
  if (master.state === UNREACHABLE) return [master.address, master.state, '-', '-', '-', '-', '-', '-', master.reason];
  const { address, epoch, appliedSn, lag, behindMs, webAddress, version, freeze, fork, reason } = master;
  const remark = [fork === null ? '' : `fork of ${fork.clusterId}`, freeze === null ? '' : `frozen by ${freeze.user}`, reason]
    .filter((part) => part !== '')
    .join(': ');
  return [address, shownState(master), String(epoch), String(appliedSn), String(lag), String(behindMs), webAddress, version, remark];
}
