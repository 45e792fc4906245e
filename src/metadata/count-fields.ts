/**
 * Counts the fields of an encoded message before it is decoded: a message takes two bytes on the wire and some hundred in memory, so that one frame
 * could hold millions of them, and hold up everybody else for seconds.
 */

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** @returns how many fields stand in `message`, its nested messages not looked into; `max + 1` where there are more. Garbage is the decoder's to refuse. */
export function countFields(message: Uint8Array, max: number): number {
  let at = 0;
  let fields = 0;
  const skipVarint = (): void => {
    while ((message[at] ?? 0) >= 0x80) at += 1;
    at += 1;
  };
  while (at < message.length && fields <= max) {
    fields += 1;
    const wireType = (message[at] ?? 0) & 7;
    skipVarint();
    if (wireType === VARINT) skipVarint();
    else if (wireType === FIXED64) at += 8;
    else if (wireType === FIXED32) at += 4;
    else if (wireType === BYTES) {
      let length = 0;
      for (let shift = 1; ; shift *= 0x80) {
        const byte = message[at++] ?? 0;
        length += (byte & 0x7f) * shift;
        if (byte < 0x80) break;
      }
      at += length;
    } else return fields;
  }
  return fields;
}
