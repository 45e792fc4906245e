/**
 * `fsadmin doctor`: asks every master, and tells what is wrong and what to do.
 */
import { masterReports } from '../../client/master-report.js';
import { askReplication, shownReplication } from '../../client/replication.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { withJson } from '../json-option.js';
import { print, printJson } from '../output.js';
import { diagnose, type Finding } from './doctor.js';

export function addDoctorCommand(frame: ClientFrame): void {
  const description =
    'look for what is wrong: masters, their states, versions, settings that differ, clocks, space, journal; exit with 1 where there is a problem';
  withJson(
    frame.command('doctor', description),
    '{healthy, masters: [host:port], findings: [{level: "problem" | "note", about, what, todo}]}',
  ).action(({ json = false }: { json?: boolean }) =>
    frame.once('doctor', async (fs) => {
      const reports = await masterReports(fs.client);
      // Where no master answers, that is the finding.
      const mounts = await fs.listMounts({ stale: true, timeoutMs: MOUNTS_LIMIT_MS }).catch(() => []);
      const replication = await askReplication(fs.client).then(shownReplication, () => null);
      const findings = diagnose(reports, mounts, replication);
      const healthy = findings.every(({ level }) => level !== 'problem');
      if (json) await printJson({ healthy, masters: reports.map(({ address }) => address), findings });
      else await print(textOf(reports.length, findings));
      if (!healthy) throw new CommandFailed(EXIT.failed);
    }),
  );
}

const MOUNTS_LIMIT_MS = 2_000;

function textOf(masters: number, findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => {
    const number = findings.filter((finding) => finding.level === level).length;
    return number === 1 ? `1 ${level}` : `${number} ${level}s`;
  };
  const head = `${masters === 1 ? '1 master' : `${masters} masters`} asked: ${count('problem')}, ${count('note')}`;
  return [head, ...findings.flatMap(({ level, about, what, todo }) => [`${level} (${about}): ${what}`, `  to do: ${todo}`])].join('\n');
}
