/** A directory that cannot be used is the user's to mend, not a fault of ours: it is said in words and without a stack. */
import { UserError } from "@pharos/model";

const FIXES: Record<string, string> = {
  ENOSPC: "Free some space there, or give another --dir",
  EDQUOT: "Free some space there, or give another --dir",
  EACCES: "Give this user the right to write there, or give another --dir",
  EPERM: "Give this user the right to write there, or give another --dir",
  EROFS: "The file system is read-only: give another --dir",
  ENOTDIR: "A part of the path is a file: give another --dir",
};

/** The error to show for one that came up while `dir` was being used; anything else comes back as it is. */
export function directoryError(dir: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const fix = code === undefined ? undefined : FIXES[code];
  if (error instanceof UserError || fix === undefined) return error;
  return new UserError("pharos.directory", `cannot use ${dir}: ${message}`, { fix, cause: error });
}
