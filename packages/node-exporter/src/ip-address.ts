/** Text of an address of 4 or 16 bytes, as RFC 5952 has it: the longest run of zero words is left out. */
export function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const words = Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readUInt16BE(2 * i));
  // An IPv4 address in the clothes of an IPv6 one.
  if (words.length === 8 && words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return bytes.subarray(12).join(".");
  }
  let start = 0;
  let length = 0;
  for (let i = 0; i < words.length; i++) {
    let end = i;
    while (end < words.length && words[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const hex = (part: number[]): string => part.map((word) => word.toString(16)).join(":");
  return length < 2 ? hex(words) : `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}
