/** Series colours by theme, and Grafana's colour names. */
import { currentTheme } from "../shell/theme.ts";

const DARK = [
  "#7eb6ff",
  "#ffb938",
  "#5fd39a",
  "#ff8095",
  "#b794ff",
  "#4fd6e0",
  "#ff9f5a",
  "#c8d86b",
  "#f49ad8",
  "#93a7c7",
];
const LIGHT = [
  "#1f6fd6",
  "#c77700",
  "#12805c",
  "#cf2f52",
  "#7a4bd6",
  "#0b8793",
  "#c4570f",
  "#6f7d0c",
  "#b23b92",
  "#566885",
];

/** Grafana's named colours, dark shade and light shade. */
const NAMED: Record<string, [string, string]> = {
  green: ["#3ecf8e", "#12805c"],
  "dark-green": ["#2a9d6a", "#0c5f44"],
  "light-green": ["#86e3b6", "#2a9d6a"],
  "semi-dark-green": ["#34b87d", "#0f6f50"],
  yellow: ["#f5d03d", "#a68400"],
  orange: ["#ff9f5a", "#c4570f"],
  red: ["#ff6b6b", "#c92a2a"],
  "dark-red": ["#d64545", "#8f1d1d"],
  "semi-dark-red": ["#e85858", "#ad2323"],
  blue: ["#7eb6ff", "#1f6fd6"],
  "dark-blue": ["#4a86d9", "#164f9c"],
  purple: ["#b794ff", "#7a4bd6"],
  text: ["#e6ecf8", "#131b2c"],
  transparent: ["transparent", "transparent"],
};

export function seriesColor(index: number): string {
  const palette = currentTheme() === "dark" ? DARK : LIGHT;
  return palette[index % palette.length];
}

export function namedColor(name: string | undefined): string {
  if (!name) return seriesColor(0);
  const named = NAMED[name];
  if (named) return named[currentTheme() === "dark" ? 0 : 1];
  return /^(#|rgb|hsl)/.test(name) ? name : seriesColor(0);
}
