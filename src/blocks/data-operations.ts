/**
 * What workers are asked for on their own port: bytes of blocks, by clients and by other workers (proto/worker.proto). The numbers are of
 * the same space as those of `metadata/operations.ts`, and likewise never reused.
 */
import { understudy } from '#proto/understudy.js';

export const dataOperations = {
  readBlock: { method: 80, request: understudy.ReadBlockRequest, response: understudy.BlockPiece },
  openBlock: { method: 81, request: understudy.OpenBlockRequest, response: understudy.OpenBlockResponse },
  writeBlock: { method: 82, request: understudy.WriteBlockRequest, response: understudy.WriteBlockResponse },
  sealBlock: { method: 83, request: understudy.SealBlockRequest, response: understudy.SealBlockResponse },
  dropBlock: { method: 84, request: understudy.DropBlockRequest, response: understudy.DropBlockResponse },
  findBlock: { method: 85, request: understudy.FindBlockRequest, response: understudy.FindBlockResponse },
} as const;
