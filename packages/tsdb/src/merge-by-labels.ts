/** Several sorted sequences of series become one: equal labels come together. */
import type { Labels } from "@pharos/model";

/** Groups of the items with equal labels, in order of labels; within a group in order of the sequences. */
export function* mergeByLabels<T extends { labels: Labels }>(sequences: readonly Iterable<T>[]): Generator<T[]> {
  const heads: { iterator: Iterator<T>; item: T }[] = [];
  for (const sequence of sequences) {
    const iterator = sequence[Symbol.iterator]();
    const step = iterator.next();
    if (!step.done) heads.push({ iterator, item: step.value });
  }
  while (heads.length > 0) {
    let least = heads[0].item.labels;
    for (let i = 1; i < heads.length; i++) {
      if (heads[i].item.labels.compare(least) < 0) least = heads[i].item.labels;
    }
    const group: T[] = [];
    for (let i = 0; i < heads.length; ) {
      const head = heads[i];
      if (head.item.labels.compare(least) !== 0) {
        i++;
        continue;
      }
      group.push(head.item);
      const step = head.iterator.next();
      if (step.done) heads.splice(i, 1);
      else {
        head.item = step.value;
        i++;
      }
    }
    yield group;
  }
}
