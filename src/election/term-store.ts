/**
 * Where the terms of the embedded election are kept, in a folder or in a bucket, and the page by which a term's holder shows that it lives.
 *
 *     page of 4 KiB:     magic "USTM" | version u8 | state u8 (1 held, 2 resigned) | address length u16 | counter f64 | nonce 16 | address
 *
 * Numbers are big-endian; the last four bytes of a page are the CRC-32 of those before. A page that is short, empty or damaged says nothing.
 */
import { crc32 } from 'node:zlib';

export interface HolderPage {
  readonly resigned: boolean;
  readonly counter: number;
  readonly nonce: Buffer;
  readonly rpcAddress: string;
}

/** One term that was taken. */
export interface Term {
  readonly term: number;
  /** @returns the holder's page as it stands, a copy: any change of it is a sign of life. */
  readHolder(): Promise<{ readonly bytes: Buffer; readonly page: HolderPage | undefined }>;
  writeHolder(page: HolderPage): Promise<void>;
  /** @returns whether the next term is known to have been taken. */
  hasSuccessor(): Promise<boolean>;
  close(): Promise<void>;
}

export interface Terms {
  /** For people. */
  readonly location: string;
  /** Called before anything else, and again after anything failed. */
  prepare(): Promise<void>;
  /** @returns a term to begin from, not later than the newest; 0 where there has been none. */
  newest(): Promise<number>;
  /** @returns undefined where it is not found, which proves nothing. */
  find(term: number): Promise<Term | undefined>;
  /**
   * Takes the term behind `before`: of any number of candidates one succeeds.
   *
   * @returns `taken` where another has it; `passed` where it was old, and removed.
   */
  take(term: number, page: HolderPage, before: Term | undefined): Promise<Term | 'taken' | 'passed'>;
  /** Removes an old term, if it is there. */
  remove(term: number): Promise<void>;
  /** Lets go of the storage. Idempotent. */
  close(): Promise<void>;
}

export const TERM_PAGE_BYTES = 4096;
const VERSION = 1;
const HEADER_BYTES = 32;
const ADDRESS_BYTES_MAX = 1024;
const SUM_AT = TERM_PAGE_BYTES - 4;

/** Fills a page of zeros. */
export function encodeHolder(into: Buffer, page: HolderPage): void {
  const address = Buffer.from(page.rpcAddress, 'utf8').subarray(0, ADDRESS_BYTES_MAX);
  sealPage(into, 'USTM', (bytes) => {
    bytes.writeUInt8(page.resigned ? 2 : 1, 5);
    bytes.writeUInt16BE(address.length, 6);
    bytes.writeDoubleBE(page.counter, 8);
    page.nonce.copy(bytes, 16);
    address.copy(bytes, HEADER_BYTES);
  });
}

/** @returns undefined where the page says nothing. */
export function decodeHolder(bytes: Buffer): HolderPage | undefined {
  if (!isSound(bytes, 'USTM')) return undefined;
  const addressBytes = Math.min(bytes.readUInt16BE(6), ADDRESS_BYTES_MAX);
  return {
    resigned: bytes.readUInt8(5) === 2,
    counter: bytes.readDoubleBE(8),
    nonce: bytes.subarray(16, HEADER_BYTES),
    rpcAddress: bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + addressBytes),
  };
}

/** Fills a page of zeros with magic, version, what `fill` writes, and the checksum. */
export function sealPage(page: Buffer, magic: string, fill: (bytes: Buffer) => void): void {
  page.write(magic, 0, 'latin1');
  page.writeUInt8(VERSION, 4);
  fill(page);
  page.writeUInt32BE(crc32(page.subarray(0, SUM_AT)), SUM_AT);
}

export function isSound(bytes: Buffer, magic: string): boolean {
  if (bytes.length < TERM_PAGE_BYTES || bytes.toString('latin1', 0, 4) !== magic || bytes.readUInt8(4) !== VERSION) return false;
  return bytes.readUInt32BE(SUM_AT) === crc32(bytes.subarray(0, SUM_AT));
}
