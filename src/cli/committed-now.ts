/** How far tools take a live journal: up to what is committed when they begin. */
import { UnderstudyError } from '../base/errors.js';
import type { JournalSummary, JournalSurvey } from '../journal/journal-survey.js';

/** @throws `corrupt`: damage hides how far it goes; to take less without a word would pass for all of it. */
export async function committedNow(survey: JournalSurvey): Promise<JournalSummary> {
  const summary = await survey.summary();
  const [damage] = summary.damage;
  if (damage === undefined) return summary;
  throw new UnderstudyError('corrupt', `the journal is damaged, see understudy journal verify: ${damage.what}`);
}
