/** `silence add`, `query`, `expire`, `update` and `import`. */
import { userInfo } from "node:os";
import { parseDuration } from "@pharos/model";
import { parseMoment } from "./alert.ts";
import { ApiClient, ApiError, type ApiMatcher, type ApiSilence, query } from "./client.ts";
import { failed, type Invocation, listOf, readText, type Subcommand, textOf } from "./context.ts";
import { writeSilences } from "./format.ts";
import { parseMatchers, parsePairs, syntaxOf, toApi, withAlertName } from "./matchers.ts";
import { addRecurringSilence } from "./recurring.ts";

function user(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}

/** ms; throws unless it is longer than nothing. */
function lengthOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === 0) throw failed("silence duration must be greater than 0");
  return ms;
}

const TIMES = {
  start: { type: "string", default: "", help: "Set when the silence should start. RFC3339 format." },
  end: { type: "string", default: "", help: "Set when the silence should end (overwrites duration). RFC3339 format." },
  comment: { type: "string", default: "", short: "c", help: "A comment to help describe the silence." },
} as const;

function commentOf({ values }: Invocation): string {
  const comment = textOf(values, "comment");
  if (comment === "" && values["require-comment"] !== false) throw failed("comment required by config");
  return comment;
}

const add: Subcommand = {
  path: "silence add",
  summary: "Add a new silence. A first argument without '=' is the alertname.",
  remote: true,
  flags: {
    ...TIMES,
    author: { type: "string", default: user(), short: "a", help: "Username for CreatedBy field." },
    "require-comment": { type: "boolean", optional: true, hidden: true, help: "Require comment to be set." },
    duration: { type: "string", default: "1h", short: "d", help: "Duration of silence." },
    annotation: { type: "string", multiple: true, help: "Set an annotation to be included with the silence." },
    recurrence: {
      type: "string",
      default: "",
      help: "Silence again and again, in windows of local time: 'sat,sun 22:00-06:00 Europe/Berlin'; this machine's time zone without one. --start and --end are when that begins and stops.",
    },
  },
  async run(invocation) {
    const { values, args, write } = invocation;
    const syntax = syntaxOf(values);
    const matchers = parseMatchers(args, syntax).map(toApi);
    if (matchers.length === 0) throw failed("no matchers specified");
    if (textOf(values, "recurrence") !== "") return addRecurring(invocation, matchers);
    const startsAt = parseMoment(textOf(values, "start"), "start") ?? new Date().toISOString();
    const endsAt =
      parseMoment(textOf(values, "end"), "end") ??
      new Date(Date.parse(startsAt) + lengthOf(textOf(values, "duration"))).toISOString();
    if (Date.parse(startsAt) > Date.parse(endsAt)) throw failed("silence cannot start after it ends");
    const comment = commentOf(invocation);
    const annotations = parsePairs(listOf(values, "annotation"), syntax, "annotations");
    const silence = {
      matchers,
      startsAt,
      endsAt,
      createdBy: textOf(values, "author"),
      comment,
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    };
    await using client = await ApiClient.open(invocation);
    write(`${(await client.call<{ silenceID: string }>("POST", "/api/v2/silences", silence)).silenceID}\n`);
    return 0;
  },
};

async function addRecurring(invocation: Invocation, matchers: readonly ApiMatcher[]): Promise<number> {
  const { values } = invocation;
  const moments = ["start", "end"].map((name) => parseMoment(textOf(values, name), name));
  if (listOf(values, "annotation").length > 0) throw failed("a recurring silence takes no annotations");
  return addRecurringSilence(invocation, {
    matchers,
    rule: textOf(values, "recurrence"),
    since: moments[0],
    until: moments[1],
    createdBy: textOf(values, "author"),
    comment: commentOf(invocation),
  });
}

const querySilences: Subcommand = {
  path: "silence query",
  summary: "Query silences.",
  remote: true,
  flags: {
    expired: { type: "boolean", help: "Show expired silences instead of active." },
    quiet: { type: "boolean", short: "q", help: "Only show silence ids." },
    "created-by": { type: "string", default: "", help: "Show silences that belong to this creator." },
    id: { type: "string", default: "", help: "Get a single silence by its ID." },
    within: {
      type: "duration",
      default: "0s",
      help: "Show silences that will expire or have expired within a duration.",
    },
  },
  async run(invocation) {
    const { values, args, write } = invocation;
    await using client = await ApiClient.open(invocation);
    const filter = withAlertName(args, syntaxOf(values));
    const all = await client.call<ApiSilence[]>("GET", `/api/v2/silences${query({ filter })}`);
    const now = Date.now();
    const within = Number(values.within);
    const [creator, id] = [textOf(values, "created-by"), textOf(values, "id")];
    const shown = all.filter((silence) => {
      const endsAt = Date.parse(silence.endsAt);
      const isExpired = endsAt < now;
      if (isExpired !== Boolean(values.expired)) return false;
      if (within > 0 && (isExpired ? endsAt < now - within : endsAt > now + within)) return false;
      return (creator === "" || silence.createdBy === creator) && (id === "" || silence.id === id);
    });
    if (values.quiet) write(shown.map((silence) => `${silence.id}\n`).join(""));
    else writeSilences(invocation, shown);
    return 0;
  },
};

const expire: Subcommand = {
  path: "silence expire",
  summary: "Expire silences by their ids.",
  remote: true,
  flags: {},
  async run(invocation) {
    if (invocation.args.length === 0) throw failed("no silence IDs specified");
    await using client = await ApiClient.open(invocation);
    for (const id of invocation.args) await client.call("DELETE", `/api/v2/silence/${encodeURIComponent(id)}`);
    return 0;
  },
};

const update: Subcommand = {
  path: "silence update",
  summary: "Update silences by their ids.",
  remote: true,
  flags: {
    ...TIMES,
    quiet: { type: "boolean", short: "q", help: "Only show silence ids." },
    duration: { type: "string", default: "", short: "d", help: "Duration of silence." },
  },
  async run(invocation) {
    const { values, args, write } = invocation;
    if (args.length === 0) throw failed("no silence IDs specified");
    await using client = await ApiClient.open(invocation);
    const updated: ApiSilence[] = [];
    for (const given of args) {
      const silence = await client.call<ApiSilence>("GET", `/api/v2/silence/${encodeURIComponent(given)}`);
      silence.startsAt = parseMoment(textOf(values, "start"), "start") ?? silence.startsAt;
      const [end, duration] = [parseMoment(textOf(values, "end"), "end"), textOf(values, "duration")];
      if (end) silence.endsAt = end;
      else if (duration !== "")
        silence.endsAt = new Date(Date.parse(silence.startsAt) + lengthOf(duration)).toISOString();
      if (Date.parse(silence.startsAt) > Date.parse(silence.endsAt)) throw failed("silence cannot start after it ends");
      silence.comment = textOf(values, "comment") || silence.comment;
      const { id, matchers, startsAt, endsAt, createdBy, comment, annotations } = silence;
      const body = { id, matchers, startsAt, endsAt, createdBy, comment, annotations };
      updated.push({
        ...silence,
        id: (await client.call<{ silenceID: string }>("POST", "/api/v2/silences", body)).silenceID,
      });
    }
    if (values.quiet) write(updated.map(({ id }) => `${id}\n`).join(""));
    else writeSilences(invocation, updated);
    return 0;
  },
};

/** Silences of a file that `silence query -o json` wrote. */
function readSilences(file: string | undefined): ApiSilence[] {
  const text = readText(file);
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list as ApiSilence[];
  } catch (error) {
    throw failed(`couldn't unmarshal input data, is it JSON?: ${(error as Error).message}`);
  }
  throw failed("couldn't unmarshal input data, is it JSON?: not a list");
}

const importSilences: Subcommand = {
  path: "silence import",
  summary: "Import silences from a JSON file or stdin.",
  remote: true,
  flags: {
    force: { type: "boolean", short: "f", help: "Force adding new silences even if it already exists." },
    worker: { type: "number", default: "8", short: "w", help: "Number of concurrent workers to use for import." },
  },
  async run(invocation) {
    const { values, args, write, warn } = invocation;
    const silences = readSilences(args[0]);
    await using client = await ApiClient.open(invocation);
    let errors = 0;
    let next = 0;
    const post = async (silence: ApiSilence): Promise<void> => {
      const body = { ...silence, ...(values.force ? { id: "" } : {}) };
      const send = (given: ApiSilence) => client.call<{ silenceID: string }>("POST", "/api/v2/silences", given);
      try {
        const { silenceID } = await send(body).catch((error: unknown) => {
          // It is not there any more: it becomes a new one.
          if (error instanceof ApiError && error.status === 404) return send({ ...body, id: "" });
          throw error;
        });
        write(`${silenceID}\n`);
      } catch (error) {
        errors++;
        warn(`Error adding silence id='${silence.id}': ${(error as Error).message}\n`);
      }
    };
    const worker = async (): Promise<void> => {
      while (next < silences.length) await post(silences[next++]);
    };
    await Promise.all(Array.from({ length: Math.max(1, Number(values.worker)) }, worker));
    if (errors > 0) throw failed(`couldn't import ${errors} out of ${silences.length} silences`);
    return 0;
  },
};

export const silenceCommands: readonly Subcommand[] = [querySilences, add, expire, update, importSilences];
