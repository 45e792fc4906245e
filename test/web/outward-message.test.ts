import { expect, test } from 'vitest';
import { outwardMessage } from '../../src/web/outward-message.js';

test.each([
  ['the journal is out of space: folder=/mnt/my journal/j free=1 reserve=2', 'the journal is out of space: free=1 reserve=2'],
  ['a slot is damaged: file=/mnt/j/epochs offset=0 epoch=3', 'a slot is damaged: offset=0 epoch=3'],
  ['another journal is at this path now: folder=/mnt/j', 'another journal is at this path now'],
  ['the journal cannot be written: no room: file=/mnt/j/a\nb', 'the journal cannot be written: no room'],
  ['path does not exist: path=/folder=x/file=y', 'path does not exist: path=/folder=x/file=y'],
  ['this master is following: started', 'this master is following: started'],
])('what is told outside: %j', (message, told) => {
  expect(outwardMessage(message)).toBe(told);
});
