/** What /proc/net/rpc/nfs and nfsd have in common: lines of a word and numbers, and the names of the procedures. */

/** Lines by their first word. */
export function parseRpc(text: string): Map<string, number[]> {
  return new Map(
    text.split("\n").map((line) => {
      const [key, ...values] = line.split(" ");
      return [key, values.map(Number)];
    }),
  );
}

/** Procedures of version 2 and 3 in the order of their numbers, after the null procedure. */
export const V2_PROCEDURES = [
  "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write", "Create", "Remove", "Rename", "Link",
  "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
]; // biome-ignore format: a list
export const V3_PROCEDURES = [
  "GetAttr", "SetAttr", "Lookup", "Access", "ReadLink", "Read", "Write", "Create", "MkDir", "SymLink", "MkNod", "Remove",
  "RmDir", "Rename", "Link", "ReadDir", "ReadDirPlus", "FsStat", "FsInfo", "PathConf", "Commit",
]; // biome-ignore format: a list
