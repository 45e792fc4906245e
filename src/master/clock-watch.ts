/**
 * Watches whether a leader's time can be believed: an alarm, and a halt of everything that goes by age, while it cannot.
 *
 * A leader's time runs on monotonic time (steady-clock.ts), so a clock that jumps moves nothing at once; it only leaves the leader's time far
 * behind or ahead of itself, which is seen here. So is a clock that lies behind the last entry's time when its master begins to lead. One
 * that was ahead already when its master was started becomes the leader's time: that is seen by the clocks of the standbys, of which one has to
 * agree.
 */
import type { Log } from '../base/log.js';

export interface ClockWatchSettings {
  /** Milliseconds by which a machine's clock may differ from the leader's time. */
  readonly clockSkewMaxMs: number;
}

/** How far a standby's clock was ahead of this machine's; null where that is not known. */
export interface PeerClock {
  readonly address: string;
  readonly clockAheadMs: number | null;
}

export class ClockWatch {
  readonly #settings: ClockWatchSettings;
  readonly #log: Log;
  #trouble = '';

  constructor(settings: ClockWatchSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  /** What is wrong, for people; empty when nothing is. */
  get trouble(): string {
    return this.#trouble;
  }

  /** @returns whether nothing may expire now. @param skewMs by how much this machine's clock is ahead of the leader's time. */
  isOff(skewMs: number, peers: readonly PeerClock[]): boolean {
    const isFar = (aheadMs: number) => Math.abs(aheadMs) > this.#settings.clockSkewMaxMs;
    const known = peers.flatMap(({ address, clockAheadMs }) =>
      clockAheadMs === null ? [] : [{ address, aheadMs: clockAheadMs + skewMs }],
    );
    const far = known.filter(({ aheadMs }) => isFar(aheadMs));
    const isAlone = known.length > 0 && far.length === known.length;
    this.#tell(trouble(isFar(skewMs) ? skewMs : null, far, isAlone));
    return isFar(skewMs) || isAlone;
  }

  #tell(trouble: string): void {
    const was = this.#trouble;
    this.#trouble = trouble;
    if (trouble !== '' && was === '') this.#log.error({}, trouble);
    if (trouble === '' && was !== '') this.#log.info({}, "the masters' clocks agree with the cluster's time again");
  }
}

function trouble(ownAheadMs: number | null, far: readonly { address: string; aheadMs: number }[], isAlone: boolean): string {
  if (ownAheadMs !== null) return `this machine's clock is ${away(ownAheadMs)} the cluster's time: nothing expires until it is right`;
  const which = far.map(({ address, aheadMs }) => `master=${address} is ${away(aheadMs)}`).join(', ');
  if (isAlone) return `no standby's clock agrees with the cluster's time, which nothing expires by until one does: ${which}`;
  return far.length > 0 ? `a standby's clock differs from the cluster's time: ${which}` : '';
}

function away(aheadMs: number): string {
  return `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
}
