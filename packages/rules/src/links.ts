/** Links from alerts back to the expression, in the form of Prometheus' own UI (strutil.TableLinkForExpression). */
export function graphLink(externalUrl: string, query: string): string {
  return `${externalUrl}/graph?g0.expr=${encodeURIComponent(query).replaceAll("%20", "+")}&g0.tab=1`;
}
