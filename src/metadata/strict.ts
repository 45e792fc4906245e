/**
 * Decodes what is stored, strictly: a field that this version does not know, at any depth, stops the reader (I4).
 */
import protobuf from 'protobufjs/minimal.js';
import { UnderstudyError } from '../base/errors.js';
import { needsVersionFor } from '../base/needs-version.js';

/** protobufjs skips exactly what it does not know. */
class StrictReader extends protobuf.BufferReader {
  override skipType(wireType: number): this {
    super.skipType(wireType);
    throw new UnknownField();
  }
}

class UnknownField extends Error {}

interface Decodable<M> {
  decode(reader: protobuf.Reader): M;
}

/** @throws `corrupt`: not such a record. @throws `failed_precondition` (`needs version`): made by a later version. */
export function decodeStrictly<M>(type: Decodable<M>, bytes: Uint8Array, what: string): M {
  try {
    return type.decode(new StrictReader(bufferOf(bytes)));
  } catch (cause) {
    if (cause instanceof UnknownField) throw needsVersionFor(`field in ${what}`);
    throw new UnderstudyError('corrupt', `stored record is damaged: record=${what}`, { cause });
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
