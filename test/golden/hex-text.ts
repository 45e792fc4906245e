/** Golden files of bytes as text: hex in lines of 32 bytes, from the front; zeros or line ends that fill a page up are left out, and counted. */

export function toText(bytes: Buffer): string {
  const fill = bytes.at(-1) ?? 0;
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === fill) end -= 1;
  const lines =
    bytes
      .subarray(0, end)
      .toString('hex')
      .match(/.{1,64}/g) ?? [];
  return `${lines.join('\n')}\n${bytes.length - end} times ${fill}\n`;
}

export function fromText(text: string): Buffer {
  const lines = text.trimEnd().split('\n');
  const [count, , fill] = (lines.pop() ?? '').split(' ').map(Number);
  return Buffer.concat([Buffer.from(lines.join(''), 'hex'), Buffer.alloc(count ?? 0, fill ?? 0)]);
}
