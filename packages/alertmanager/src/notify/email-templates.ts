/**
 * The HTML mail: a card with a coloured head, a button to the Alertmanager, and the alerts. Its look is that of Mailgun's
 * "transactional-email-templates" (MIT licence, copyright 2014 Mailgun), which mail clients of every age show alike; upstream's
 * mail has the same bytes, so that what filters and scripts look for in it stays where it is. Styles stand on every element
 * because clients drop style sheets.
 */

const FONT = "font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; box-sizing: border-box;";
const BASE = `margin: 0; ${FONT} font-size: 14px;`;
const LINK_COLOR = "#348eda";

/** An element with the base style and nothing else about it. */
const open = (tag: string): string => `<${tag} style="${BASE}">`;
const BREAK = open("br");
const strong = (content: string): string => `${open("strong")}${content}</strong>`;

/** A cell of the content table, on a row of its own. */
function contentRow(lines: readonly string[]): string {
  const cell = `<td class="content-block" style="${BASE} vertical-align: top; padding: 0 0 20px;" valign="top">`;
  const content = lines.map((line) => `                    ${line}\n`).join("");
  return `                ${open("tr")}\n                  ${cell}\n${content}                  </td>\n                </tr>\n`;
}

function headCell(kind: string, color: string, trailing: string): string {
  const style = `margin: 0; ${FONT} vertical-align: top; font-size: 16px; color: #fff; font-weight: 500; padding: 20px; text-align: center; border-radius: 3px 3px 0 0; background-color: ${color};`;
  return `            <td class="alert alert-${kind}" style="${style}" valign="top" align="center" bgcolor="${color}">
              {{ .Alerts | len }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}
                {{ .Name }}={{ .Value }}${trailing}
              {{ end }}
            </td>
`;
}

const pairs = (list: string): string => `{{ range .${list}.SortedPairs }}{{ .Name }} = {{ .Value }}${BREAK}{{ end }}`;

const ALERT_ROW = contentRow([
  `${strong("Labels")}${BREAK}`,
  pairs("Labels"),
  `{{ if gt (len .Annotations) 0 }}${strong("Annotations")}${BREAK}{{ end }}`,
  pairs("Annotations"),
  `<a href="{{ .GeneratorURL }}" style="${BASE} color: ${LINK_COLOR}; text-decoration: underline;">Source</a>${BREAK}`,
]);

/** How many there are, then each of them. */
function alertRows(list: "Firing" | "Resolved"): { count: string; each: string } {
  return {
    count: contentRow([strong(`[{{ .Alerts.${list} | len }}] ${list}`)]),
    each: `                {{ range .Alerts.${list} }}\n${ALERT_ROW}                {{ end }}\n`,
  };
}

const BUTTON_STYLE = `${BASE} text-decoration: none; color: #FFF; background-color: ${LINK_COLOR}; border: solid ${LINK_COLOR}; border-width: 10px 20px; line-height: 2em; font-weight: bold; text-align: center; cursor: pointer; display: inline-block; border-radius: 5px; text-transform: capitalize;`;
const BUTTON = contentRow([
  `<a href="{{ template "__alertmanagerURL" . }}" class="btn-primary" style="${BUTTON_STYLE}">View in {{ template "__alertmanager" . }}</a>`,
]);
const RULE = contentRow([BREAK, open("hr"), BREAK]);
const firing = alertRows("Firing");
const resolved = alertRows("Resolved");

const SMALL_SCREEN = `@media only screen and (max-width: 640px) {
  body {
    padding: 0 !important;
  }

  h1,
h2,
h3,
h4 {
    font-weight: 800 !important;
    margin: 20px 0 5px !important;
  }
${[22, 18, 16].map((size, i) => `\n  h${i + 1} {\n    font-size: ${size}px !important;\n  }\n`).join("")}
  .container {
    padding: 0 !important;
    width: 100% !important;
  }

  .content {
    padding: 0 !important;
  }

  .content-wrap {
    padding: 10px !important;
  }

  .invoice {
    width: 100% !important;
  }
}`;

const HEAD = `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" style="${BASE}">
<head>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<title>{{ template "__subject" . }}</title>
<style>
${SMALL_SCREEN}
</style>
</head>
`;

const FOOTER_TEXT = "color: #999; font-size: 12px;";
const BODY = `<body itemscope itemtype="https://schema.org/EmailMessage" style="${BASE} -webkit-font-smoothing: antialiased; -webkit-text-size-adjust: none; height: 100%; line-height: 1.6em; background-color: #f6f6f6; width: 100%;">

<table class="body-wrap" style="${BASE} background-color: #f6f6f6; width: 100%;" width="100%" bgcolor="#f6f6f6">
  ${open("tr")}
    <td style="${BASE} vertical-align: top;" valign="top"></td>
    <td class="container" width="600" style="${FONT} font-size: 14px; vertical-align: top; display: block; max-width: 600px; margin: 0 auto; clear: both;" valign="top">
      <div class="content" style="${FONT} font-size: 14px; max-width: 600px; margin: 0 auto; display: block; padding: 20px;">
        <table class="main" width="100%" cellpadding="0" cellspacing="0" style="${BASE} background-color: #fff; border: 1px solid #e9e9e9; border-radius: 3px;" bgcolor="#fff">
          ${open("tr")}
            {{ if gt (len .Alerts.Firing) 0 }}
${headCell("warning", "#E6522C", "")}            {{ else }}
${headCell("good", "#68B90F", " ")}            {{ end }}
          </tr>
          ${open("tr")}
            <td class="content-wrap" style="${BASE} vertical-align: top; padding: 30px;" valign="top">
              <table width="100%" cellpadding="0" cellspacing="0" style="${BASE}">
${BUTTON}                {{ if gt (len .Alerts.Firing) 0 }}
${firing.count}                {{ end }}
${firing.each}
                {{ if gt (len .Alerts.Resolved) 0 }}
                  {{ if gt (len .Alerts.Firing) 0 }}
${RULE}                  {{ end }}
${resolved.count}                {{ end }}
${resolved.each}              </table>
            </td>
          </tr>
        </table>

        <div class="footer" style="${BASE} width: 100%; clear: both; color: #999; padding: 20px;">
          <table width="100%" style="${BASE}">
            ${open("tr")}
              <td class="aligncenter content-block" style="margin: 0; ${FONT} vertical-align: top; padding: 0 0 20px; text-align: center; ${FOOTER_TEXT}" valign="top" align="center"><a href="{{ .ExternalURL }}" style="margin: 0; ${FONT} text-decoration: underline; ${FOOTER_TEXT}">Sent by {{ template "__alertmanager" . }}</a></td>
            </tr>
          </table>
        </div></div>
    </td>
    <td style="${BASE} vertical-align: top;" valign="top"></td>
  </tr>
</table>

</body>
</html>
`;

export const EMAIL_TEMPLATES = `{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "email.default.html" }}

${HEAD}
${BODY}
{{ end }}
`;
