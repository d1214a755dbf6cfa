/** Seconds since 1970 of what Go calls the zero time, the first of January of the year 1: the value of an absent time. */
const ZERO_TIME = -62_135_596_800;

/** Unix seconds of an RFC 3339 time, its fraction cut off; Go's zero time when it is absent. */
export function unixSeconds(text: string | null | undefined): number {
  return text ? Math.floor(Date.parse(text) / 1000) : ZERO_TIME;
}
