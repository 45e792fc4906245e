/**
 * What every master tells of itself to operators, side by side.
 */
import type { understudy } from '#proto/understudy.js';
import { asError } from '../base/errors.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';
import { type MasterInfo, masterInfos, UNREACHABLE } from './master-info.js';

export interface MasterReport {
  /** `host:port` it was asked at. */
  readonly address: string;
  readonly info: MasterInfo;
  /** Undefined where it did not tell. */
  readonly told: ReportedMaster | undefined;
}

export interface ReportedMaster {
  readonly incarnationId: string;
  readonly serves: boolean;
  /** By how much its clock is ahead of this program's, milliseconds, as exactly as `clockErrorMs`. */
  readonly clockAheadMs: number;
  readonly clockErrorMs: number;
  /** Values by key, without `understudy.`; secrets are hidden. */
  readonly settings: ReadonlyMap<string, string>;
  /** The same with all that is told of them, in the order of conf/settings.md. */
  readonly settingRows: readonly ReportedSetting[];
  readonly storage: readonly ReportedSpace[];
  readonly checkpoints: readonly ReportedCheckpoint[];
  /** Entries up to here were given up. */
  readonly boundarySn: number;
  /** How long the journal took to confirm that nobody has superseded this leader; 0: it does not lead. */
  readonly confirmMs: number;
  /** It leads, and changes get through. */
  readonly canWrite: boolean;
  readonly metrics: ReadonlyMap<string, number>;
}

export interface ReportedSetting {
  /** Without `understudy.`. */
  readonly key: string;
  /** A secret is hidden. */
  readonly value: string;
  /** `default`, or where it was set: a file and its line, the environment, the command line, `journal`. */
  readonly source: string;
  /** What the journal overrides, and where that stands; empty: nothing. */
  readonly overridden: string;
  /** What holds once this master is started again; null: no other value. */
  readonly pending: string | null;
  /** Of a secret that is set: alike on masters that have the same one; empty for others, and where a master does not tell. */
  readonly mark: string;
}

export interface ReportedSpace {
  readonly name: string;
  readonly place: string;
  /** 0: without bound. */
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Why that cannot be told; empty where it can. */
  readonly error: string;
}

interface ReportedCheckpoint {
  readonly sn: number;
  /** 32 hexadecimal digits: with `sn`, its name. */
  readonly id: string;
  readonly bytes: number;
  /** Leader's time when it was published, Unix milliseconds. */
  readonly madeMs: number;
}

const TIMEOUT_MS = 5_000;

/** Asks every master that is known, the leader first in the answer. @throws `unavailable`: none is known. */
export async function masterReports(client: Client, given: ClientCallOptions = {}): Promise<readonly MasterReport[]> {
  const infos = masterInfos(await client.masters(given));
  return Promise.all(infos.map((info) => reportOf(client, info, given)));
}

async function reportOf(client: Client, info: MasterInfo, given: ClientCallOptions): Promise<MasterReport> {
  const { address } = info;
  if (info.state === UNREACHABLE) return { address, info, told: undefined };
  const { clock } = client.deps;
  try {
    const [askedMs, askedAt] = [clock.wallMs(), clock.monotonicMs()];
    const answer = await client.ask(address, operations.masterReport, {}, { timeoutMs: TIMEOUT_MS, ...given });
    const tookMs = clock.monotonicMs() - askedAt;
    return { address, info, told: reported(answer, answer.clockMs - (askedMs + tookMs / 2), tookMs / 2) };
  } catch (error) {
    // Of an older version, or gone meanwhile.
    return { address, info: { ...info, reason: info.reason || asError(error).message }, told: undefined };
  }
}

function reported(answer: understudy.MasterReportResponse, clockAheadMs: number, clockErrorMs: number): ReportedMaster {
  const { status, settings, storage, journal, metrics } = answer;
  return {
    incarnationId: status?.incarnationId ?? '',
    serves: status?.serves ?? false,
    clockAheadMs,
    clockErrorMs,
    settings: new Map(settings.map(({ key, value }) => [key ?? '', value ?? ''])),
    settingRows: settings.map(reportedSetting),
    storage: storage.map(({ name, place, totalBytes, freeBytes, error }) => ({
      name: name ?? '',
      place: place ?? '',
      totalBytes: totalBytes ?? 0,
      freeBytes: freeBytes ?? 0,
      error: error ?? '',
    })),
    checkpoints: (journal?.checkpoints ?? []).map(({ sn, id, bytes, madeMs }) => ({
      sn: sn ?? 0,
      id: Buffer.from(id ?? []).toString('hex'),
      bytes: bytes ?? 0,
      madeMs: madeMs ?? 0,
    })),
    boundarySn: journal?.boundarySn ?? 0,
    confirmMs: (journal?.confirmUs ?? 0) / 1_000,
    canWrite: journal?.canWrite ?? false,
    metrics: new Map(metrics.map(({ name, value }) => [name ?? '', value ?? 0])),
  };
}

function reportedSetting(told: understudy.ReportedSetting.$Properties): ReportedSetting {
  const { key, value, source, overridden, pending, mark } = told;
  return {
    key: key ?? '',
    value: value ?? '',
    source: source ?? '',
    overridden: overridden ?? '',
    pending: pending ?? null,
    mark: mark ?? '',
  };
}
