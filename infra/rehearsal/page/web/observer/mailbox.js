// The mailbox: letters as sent, with the code to copy.
import { byId, follow, write, writeTime } from "./list.js";

export const showMailbox = follow(byId("mailbox"), byId("letter"), byId("mailbox-empty"), (letter) => `${letter.time} ${letter.to} ${letter.code}`, (item, letter) => {
  item.dataset.to = letter.to;
  write(item, ".to", letter.to);
  writeTime(item, letter.time);
  write(item, ".subject", letter.subject);
  write(item, ".body", asText(letter.body));
  write(item, ".code", letter.code);
  item.querySelector(".code-row").hidden = !letter.code;
  const copy = item.querySelector("button");
  copy.setAttribute("aria-label", `Copy the code for ${letter.to}`);
  copy.onclick = () => copyCode(copy, letter.code);
});

const unread = /<!--[^]*?-->|<(style|script|title)\b[^]*?<\/\1\s*>/gi;
const lineEnd = /<br\b[^>]*>|<\/(?:p|div|li|ul|ol|tr|table|h[1-6]|blockquote)\s*>/gi;
const tag = /<[/!]?[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;

// asText reads a letter's HTML as a reader would. No element is made of it: this page's policy would hold for its styles and
// handlers, and each would be an error in the console. A text area knows entities and no elements.
function asText(html) {
  const area = document.createElement("textarea");
  area.innerHTML = html.replace(unread, "").replace(/\s+/g, " ").replace(lineEnd, "\n").replace(tag, "");
  return area.value.replace(/ *\n[ \n]*/g, "\n").trim();
}

async function copyCode(button, code) {
  button.textContent = await navigator.clipboard.writeText(code).then(() => "Copied", () => "Not allowed");
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
