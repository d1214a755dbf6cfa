/** WeChat Work: a message through an application, whose access token is asked for and kept. */
import { secret, text, url } from "../config/fields.ts";
import { NotifyClient, reasonOf } from "./http.ts";
import { type Delivery, defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { given } from "./json.ts";

const TOKEN_LIFETIME_MS = 2 * 3_600_000;
/** WeChat's code for a token that has expired. */
const TOKEN_EXPIRED = 42001;
const VALID_TYPES = "^(text|markdown)$";

export const wechat = defineIntegration({
  name: "wechat",
  goType: "config.plain",
  sendResolved: false,
  fields: {
    api_secret: secret(),
    api_secret_file: text(),
    corp_id: text(),
    message: text('{{ template "wechat.default.message" . }}'),
    api_url: url(),
    to_user: text('{{ template "wechat.default.to_user" . }}'),
    to_party: text('{{ template "wechat.default.to_party" . }}'),
    to_tag: text('{{ template "wechat.default.to_tag" . }}'),
    agent_id: text('{{ template "wechat.default.agent_id" . }}'),
    message_type: text(),
  },
  check(settings, fail) {
    settings.message_type ||= "text";
    const { message_type: type, api_secret, api_secret_file } = settings;
    if (type !== "text" && type !== "markdown")
      throw fail(`weChat message type ${JSON.stringify(type)} does not match valid options ${VALID_TYPES}`);
    if (api_secret && api_secret_file !== "")
      throw fail("at most one of api_secret & api_secret_file must be configured");
  },
  complete(settings, global, fail) {
    settings.api_url ??= global.wechat_api_url;
    if (!settings.api_url) throw fail("no global Wechat URL set");
    if (!settings.api_secret && settings.api_secret_file === "") {
      if (!global.wechat_api_secret && global.wechat_api_secret_file === "")
        throw fail("no global Wechat Api Secret set either inline or in a file");
      settings.api_secret = global.wechat_api_secret;
      settings.api_secret_file = global.wechat_api_secret_file;
    }
    settings.corp_id ||= global.wechat_api_corp_id;
    if (settings.corp_id === "") throw fail("no global Wechat CorpID set");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    const base = settings.api_url!.replace(/\/*$/, "/");
    let token = "";
    let tokenAt = 0;

    async function refreshToken({ text, signal }: Delivery): Promise<void> {
      const apiSecret = revealSecret(settings.api_secret, settings.api_secret_file, "api_secret_file") ?? "";
      const query = new URLSearchParams({ corpid: text(settings.corp_id), corpsecret: text(apiSecret) });
      const answer = await client.request(`${base}gettoken?${query}`, { method: "GET", signal });
      let given: { access_token?: string };
      try {
        given = JSON.parse(answer.body) as typeof given;
      } catch (error) {
        throw new NotifyError("WeChat's answer to gettoken is not JSON", { cause: error });
      }
      if (!given.access_token) throw new NotifyError(`invalid APISecret for CorpID: ${settings.corp_id}`);
      token = given.access_token;
      tokenAt = Date.now();
    }

    return {
      async send(delivery) {
        const { text, signal } = delivery;
        if (token === "" || Date.now() - tokenAt > TOKEN_LIFETIME_MS) await refreshToken(delivery);
        const content = text(settings.message);
        const isMarkdown = settings.message_type === "markdown";
        const body = {
          text: { content: isMarkdown ? "" : content },
          ...given({
            touser: text(settings.to_user),
            toparty: text(settings.to_party),
            totag: text(settings.to_tag),
            agentid: text(settings.agent_id),
          }),
          safe: "0",
          msgtype: settings.message_type,
          markdown: { content: isMarkdown ? content : "" },
        };
        const answer = await client.request(`${base}message/send?access_token=${encodeURIComponent(token)}`, {
          body,
          signal,
        });
        if (answer.status !== 200)
          throw new NotifyError(`unexpected status code ${answer.status}`, {
            retry: true,
            reason: reasonOf(answer.status),
          });
        let said: { errcode?: number; errmsg?: string };
        try {
          said = JSON.parse(answer.body) as typeof said;
        } catch (error) {
          throw new NotifyError("WeChat's answer is not JSON", { retry: true, cause: error });
        }
        if (!said.errcode) return answer.body;
        const expired = said.errcode === TOKEN_EXPIRED;
        if (expired) token = "";
        throw new NotifyError(said.errmsg ?? `error ${said.errcode}`, { retry: expired });
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
