/** Checks the journal that the settings name, as `understudy journal verify` does. */
import type { Settings } from '../config/settings.js';
import { type JournalProblem, type Verdict, verifyJournal } from '../metadata/verify-journal.js';
import { openJournal, openSurvey } from './open-journal.js';
import { TemporaryStores } from './temporary-store.js';
import { TOOL_DEPS } from './tool-deps.js';
import { ToolProgress } from './tool-progress.js';

export interface VerifyOptions {
  /** Where to replay to. */
  readonly temp?: string | undefined;
  readonly digestAt?: number;
}

export async function verifySettings(
  settings: Settings,
  { temp, digestAt }: VerifyOptions,
): Promise<{ verdict: Verdict; problems: readonly JournalProblem[] }> {
  await using survey = await openSurvey(settings, TOOL_DEPS);
  await using opened = await openJournal(settings, TOOL_DEPS);
  await using stores = await TemporaryStores.make(temp);
  const { journal } = opened;
  const problems: JournalProblem[] = [];
  const { end, committedSn } = await survey.summary();
  using bar = new ToolProgress('verify', end?.sn ?? committedSn);
  const verdict = await verifyJournal({
    survey,
    checkpoints: journal.checkpoints,
    identity: journal,
    clock: TOOL_DEPS.clock,
    openStore: () => stores.open(),
    problem: (problem) => problems.push(problem),
    progress: (sn) => bar.update(sn),
    ...(digestAt === undefined ? {} : { digestAt }),
  });
  return { verdict, problems };
}
