/** Names of blocks, as programs and people write them: `<inode id>-<index>-<generation>`, in decimal. */
import type { understudy } from '#proto/understudy.js';

/** One block's bytes as one writer wrote them. Copies with one name are alike, and never change. */
export interface BlockId {
  readonly inodeId: number;
  /** Of the file's blocks; of blocks that were joined to another file, where they were first. */
  readonly index: number;
  /** Of the file, when it was written. */
  readonly generation: number;
}

export function blockName({ inodeId, index, generation }: BlockId): string {
  return `${inodeId}-${index}-${generation}`;
}

const NAME = /^([1-9]\d{0,15})-(0|[1-9]\d{0,9})-(0|[1-9]\d{0,9})$/;

/** @returns undefined: it is no block's name. */
export function parseBlockName(name: string): BlockId | undefined {
  const [, inodeId, index, generation] = (NAME.exec(name) ?? []).map(Number);
  if (inodeId === undefined || index === undefined || generation === undefined || !Number.isSafeInteger(inodeId)) return undefined;
  return index < 2 ** 32 && generation < 2 ** 32 ? { inodeId, index, generation } : undefined;
}

export function blockIdOf(message: understudy.BlockId.$Properties | null | undefined): BlockId {
  return { inodeId: message?.inodeId ?? 0, index: message?.index ?? 0, generation: message?.generation ?? 0 };
}
