import { queryEscape } from "@pharos/gotemplate";

/** Links from alerts back to the expression, in the form of Prometheus' own UI (strutil.TableLinkForExpression). */
export function graphLink(externalUrl: string, query: string): string {
  return `${externalUrl}/graph?g0.expr=${queryEscape(query)}&g0.tab=1`;
}
