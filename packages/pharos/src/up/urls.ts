/** The table of addresses printed when everything runs. */
export interface Address {
  name: string;
  url: string;
  what: string;
}

export function addressTable(addresses: readonly Address[]): string {
  const names = Math.max(...addresses.map(({ name }) => name.length));
  const urls = Math.max(...addresses.map(({ url }) => url.length));
  return addresses.map(({ name, url, what }) => `  ${name.padEnd(names)}  ${url.padEnd(urls)}  ${what}`).join("\n");
}
