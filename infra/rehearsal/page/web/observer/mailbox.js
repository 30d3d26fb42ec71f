// The mailbox: emails as sent, with the code to copy.
import { byId, follow, write, writeTime, writeUser } from "./list.js";

const keyOf = (message) => `${message.Time} ${message.To} ${message.Code}`;

export const showMailbox = follow(byId("mailbox"), byId("message"), byId("mailbox-empty"), keyOf, (item, message) => {
  writeUser(item, message.To);
  writeTime(item, message.Time);
  write(item, ".subject", message.Subject);
  write(item, ".body", asText(message.Body));
  write(item, ".code", message.Code);
  item.querySelector(".code-row").hidden = !message.Code;
  const copy = item.querySelector("button");
  copy.setAttribute("aria-label", `Copy the code for ${message.To}`);
  copy.onclick = () => copyCode(copy, message.Code);
});

const notShown = /<!--[^]*?-->|<(style|script|title)\b[^]*?<\/\1\s*>/gi;
const lineEnd = /<br\b[^>]*>|<\/(?:p|div|li|ul|ol|tr|table|h[1-6]|blockquote)\s*>/gi;
const list = /<ol\b[^>]*>[^]*?<\/ol\s*>/gi, item = /<li\b[^>]*>/gi;
const tag = /<[/!]?[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;

// asText returns the text of an email's HTML. No element is created from it: this page's policy applies to its styles and
// handlers, and each would be an error in the console. A text area decodes entities but creates no elements.
function asText(html) {
  const area = document.createElement("textarea");
  const numbered = html.replace(notShown, "").replace(/\s+/g, " ").replace(list, (steps) => {
    let n = 0;
    return steps.replace(item, () => `${++n}. `);
  });
  area.innerHTML = numbered.replace(item, "• ").replace(lineEnd, "\n").replace(tag, "");
  return area.value.replace(/ *\n[ \n]*/g, "\n").trim();
}

async function copyCode(button, code) {
  button.textContent = await navigator.clipboard.writeText(code).then(() => "Copied", () => "Not allowed");
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
