/** Colours for canvases, which see neither CSS variables nor a change of theme. */
export function themeColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Any CSS colour with an opacity of 0 to 1. */
export function withAlpha(color: string, alpha: number): string {
  const part = Math.round(Math.min(1, Math.max(0, alpha)) * 255)
    .toString(16)
    .padStart(2, "0");
  if (/^#[0-9a-f]{6}$/i.test(color)) return color + part;
  return `color-mix(in srgb, ${color} ${Math.round(Math.min(1, alpha) * 1000) / 10}%, transparent)`;
}
