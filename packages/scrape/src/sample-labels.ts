/** Target labels laid over the scraped ones, or under them with honor_labels. */
import { type Labels, LabelsBuilder } from "@pharos/model";

/** Labels of a scraped series with those of its target. A scraped label that loses gets the prefix `exported_`. */
export function withTargetLabels(scraped: Labels, target: Labels, honorLabels: boolean): Labels {
  const labels = new LabelsBuilder(scraped);
  const lost: [string, string][] = [];
  for (const [name, value] of target) {
    const own = scraped.get(name);
    if (own !== "") {
      if (honorLabels) continue;
      lost.push([name, own]);
    }
    labels.set(name, value);
  }
  // Shorter names first: `exported_a` gives way to what `a` becomes.
  lost.sort(([a], [b]) => a.length - b.length);
  for (const [name, value] of lost) {
    let exported = `exported_${name}`;
    while (labels.get(exported) !== "") exported = `exported_${exported}`;
    labels.set(exported, value);
  }
  return labels.build();
}
