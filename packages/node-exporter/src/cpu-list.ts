/** More than any machine has. */
const MAX_CPU = 65_536;

/** `1,3-5`, and with a stride `0-8:4`, as numbers; throws when it is no list of processors. */
export function parseCpuList(text: string): number[] {
  return text.split(",").flatMap((part) => {
    if (part === "") return [];
    const match = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part);
    const [first, last, stride] = [match?.[1], match?.[2] ?? match?.[1], match?.[3] ?? "1"].map(Number);
    if (!match || last > MAX_CPU || stride === 0) throw new Error(`not a list of processors: ${JSON.stringify(text)}`);
    return Array.from({ length: Math.max(0, Math.floor((last - first) / stride) + 1) }, (_, i) => first + i * stride);
  });
}
