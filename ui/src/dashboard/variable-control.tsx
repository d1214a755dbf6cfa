/** Picker of one variable; its choice lies in the URL as `var-name`. */
import { useState } from "react";
import { ALL } from "../core/vars/variables.ts";
import { Menu } from "../kit/menu.tsx";
import { navigate } from "../shell/router.ts";
import type { VariableState } from "./use-variables.ts";

/** More options are found by typing. */
const SHOWN = 200;

function choose(name: string, values: readonly string[]): void {
  const params = new URLSearchParams(location.search);
  params.delete(`var-${name}`);
  for (const value of values) params.append(`var-${name}`, value === ALL ? "All" : value);
  navigate(`${location.pathname}?${params}`);
}

export function VariableControl({ state }: { state: VariableState }) {
  const { variable, options, selected, error } = state;
  const label =
    variable.hide === "label" ? (
      <span className="visually-hidden">{variable.label}</span>
    ) : (
      <span>{variable.label}</span>
    );
  const textOf = (value: string): string =>
    value === ALL ? "All" : (options.find((option) => option.value === value)?.text ?? value);
  if (variable.type === "textbox") {
    return (
      <label title={variable.description || undefined}>
        {label}
        <input
          key={selected[0]}
          defaultValue={selected[0] ?? ""}
          onKeyDown={(event) => event.key === "Enter" && choose(variable.name, [event.currentTarget.value])}
          onBlur={(event) => event.target.value !== (selected[0] ?? "") && choose(variable.name, [event.target.value])}
        />
      </label>
    );
  }
  if (variable.multi) return <MultiControl state={state} textOf={textOf} />;
  const value = selected[0] ?? "";
  const missing = value !== "" && value !== ALL && !options.some((option) => option.value === value);
  return (
    <label title={error || variable.description || undefined} className={error ? "is-error" : undefined}>
      {label}
      <select value={value} onChange={(event) => choose(variable.name, [event.target.value])}>
        {variable.includeAll && <option value={ALL}>All</option>}
        {missing && <option value={value}>{value}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
        {options.length === 0 && !missing && <option value="">(none)</option>}
      </select>
    </label>
  );
}

function MultiControl({ state, textOf }: { state: VariableState; textOf: (value: string) => string }) {
  const { variable, options, selected, error } = state;
  const [filter, setFilter] = useState("");
  const toggle = (value: string): void => {
    const without = selected.filter((each) => each !== value && each !== ALL);
    const next = value === ALL ? [ALL] : selected.includes(value) ? without : [...without, value];
    choose(variable.name, next.length > 0 ? next : variable.includeAll ? [ALL] : []);
  };
  const found = options.filter((option) => option.text.toLowerCase().includes(filter.toLowerCase()));
  const box = (value: string, text: string) => (
    <label key={value} className="choice">
      <input type="checkbox" checked={selected.includes(value)} onChange={() => toggle(value)} />
      {text}
    </label>
  );
  return (
    <Menu
      className={error ? "is-error" : undefined}
      title={error || variable.description || undefined}
      summary={
        <>
          <span className={variable.hide === "label" ? "visually-hidden" : undefined}>{variable.label}</span>
          <b>{selected.map(textOf).join(" + ") || "(none)"}</b>
        </>
      }
    >
      {options.length > 8 && (
        <input
          type="search"
          placeholder="Filter"
          aria-label={`Filter ${variable.label}`}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      {variable.includeAll && filter === "" && box(ALL, "All")}
      {found.slice(0, SHOWN).map((option) => box(option.value, option.text))}
      {found.length > SHOWN && <p className="note">{found.length - SHOWN} more: type to find them.</p>}
      {options.length === 0 && <p className="note">{error || "Its query found nothing."}</p>}
    </Menu>
  );
}
