/** What a recorded history comes to: the checker's verdict, and when its changes were acknowledged. */
import { type HistoryEvent, isRead } from '../history/events.js';
import { HistoryCheck, type HistoryVerdict } from '../history/history-check.js';
import { readJsonLines } from '../history/json-lines.js';

export interface CheckedHistory {
  readonly verdict: HistoryVerdict;
  readonly ackedAt: readonly number[];
}

export async function checkHistory(file: string): Promise<CheckedHistory> {
  const check = new HistoryCheck();
  const underWay = new Set<number>();
  const ackedAt: number[] = [];
  for await (const event of readJsonLines<HistoryEvent>(file)) {
    check.take(event);
    if (event.event === 'call' && !isRead(event.operation)) underWay.add(event.id);
    if (event.event === 'return' && underWay.delete(event.id) && event.outcome === 'ok') ackedAt.push(event.at);
  }
  return { verdict: check.end(), ackedAt };
}
