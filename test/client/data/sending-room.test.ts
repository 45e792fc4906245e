import { describe, expect, it } from 'vitest';
import { SendingRoom } from '../../../src/client/data/sending-room.js';

const never = new AbortController().signal;
const ticks = () => new Promise((resolve) => setImmediate(resolve));

describe('SendingRoom', () => {
  it('lets in what there is room for, in the order in which it came, and what is too large alone', async () => {
    const room = new SendingRoom(10);
    const inside: string[] = [];
    const enter = (name: string, bytes: number) => void room.take(bytes, never).then(() => inside.push(name));
    enter('a', 6);
    enter('b', 4);
    enter('large', 20);
    enter('c', 1);
    await ticks();
    expect(inside).toEqual(['a', 'b']);
    room.give(6);
    await ticks();
    expect(inside).toEqual(['a', 'b']);
    room.give(4);
    await ticks();
    expect(inside).toEqual(['a', 'b', 'large']);
    room.give(20);
    await ticks();
    expect(inside).toEqual(['a', 'b', 'large', 'c']);
  });

  it('who gives up while he waits holds up nobody, and keeps nothing', async () => {
    const room = new SendingRoom(10);
    await room.take(10, never);
    const giveUp = new AbortController();
    const waiting = room.take(10, giveUp.signal);
    const next = room.take(5, never);
    giveUp.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    room.give(10);
    await next;
    await room.take(5, never);
  });
});
