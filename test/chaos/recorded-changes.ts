import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type HistoryEvent, isRead } from '../history/events.js';

/** When the changes of a recorded history were acknowledged. */
export async function changesAckedAt(file: string): Promise<number[]> {
  const underWay = new Set<number>();
  const ackedAt: number[] = [];
  for await (const line of createInterface(createReadStream(file))) {
    const event = JSON.parse(line) as HistoryEvent;
    if (event.event === 'call' && !isRead(event.operation)) underWay.add(event.id);
    if (event.event === 'return' && underWay.delete(event.id) && event.outcome === 'ok') ackedAt.push(event.at);
  }
  return ackedAt;
}
