/** Search and the choice of a state above a list; both live in the URL, as `q` and the given parameter. */
import { setParams, useLocation } from "./router.ts";

export function FilterBar({
  of,
  param,
  choices,
}: {
  /** What is listed, for screen readers: `targets`. */
  of: string;
  param: string;
  /** `all` is no filter and not in the URL. */
  choices: readonly string[];
}) {
  const { params } = useLocation();
  const chosen = params.get(param) ?? "all";
  return (
    <>
      <input
        type="search"
        className="input"
        placeholder="Search (/)"
        aria-label={`Search ${of}`}
        defaultValue={params.get("q") ?? ""}
        onChange={(event) => setParams({ q: event.target.value }, true)}
      />
      {choices.map((choice) => (
        <button
          key={choice}
          type="button"
          className="button"
          aria-pressed={chosen === choice}
          onClick={() => setParams({ [param]: choice === "all" ? undefined : choice })}
        >
          {choice}
        </button>
      ))}
    </>
  );
}
