/**
 * What `fs masterInfo` prints.
 */
import Table from 'cli-table3';
import { type MasterInfo, UNREACHABLE } from '../client/master-info.js';

const COLUMNS = ['Master Address', 'State', 'Epoch', 'Applied', 'Lag', 'Web Address', 'Version', 'Remark'];
/** Plain columns: output that `awk` and people can read. */
const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export function formatMasters(masters: readonly MasterInfo[]): string {
  const leader = masters.find(({ state }) => state === 'ACTIVE');
  const table = new Table({ head: COLUMNS, chars: NO_LINES, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } });
  for (const master of masters) table.push(rowOf(master));
  const rows = table.toString().split('\n');
  return [`Current leader master: ${leader?.address ?? 'none'}`, ...rows.map((row) => row.trimEnd())].join('\n');
}

function rowOf(master: MasterInfo): string[] {
  if (master.state === UNREACHABLE) return [master.address, master.state, '-', '-', '-', '-', '-', master.reason];
  const { address, state, epoch, appliedSn, lag, webAddress, version, reason } = master;
  return [address, state, String(epoch), String(appliedSn), String(lag), webAddress, version, reason];
}
