/** What this master says of itself, by the journal's word where it leads; in every state, from when its web port listens. */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { confirmedStatus } from '../master/master-status.js';
import type { WebContext } from './web-app.js';

export interface OwnStatus {
  readonly told: understudy.MasterStatusResponse.$Properties;
  /** Null: it serves as leader. */
  readonly refused: UnderstudyError | null;
}

export async function ownStatus(context: WebContext): Promise<OwnStatus> {
  const { master, version } = context;
  const refused = await whyNotServing(context);
  if (master === null) return { told: { state: 'PASSIVE', version, because: 'starts' }, refused };
  return { told: confirmedStatus(master.status(), refused, master.leadership?.canWrite === true), refused };
}

/** @returns null: it serves as leader, which the journal has confirmed. Else why not. */
export async function whyNotServing({ master }: WebContext): Promise<UnderstudyError | null> {
  return master === null ? new UnderstudyError('unavailable', 'this master starts') : master.proof.refused();
}
