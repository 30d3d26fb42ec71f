// The mailbox: letters as sent, with the code to copy.
import { follow, write, writeTime } from "./list.js";

const byId = (id) => document.getElementById(id);

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

// asText reads a letter's HTML as a reader would, and runs none of it.
function asText(html) {
  return new DOMParser().parseFromString(html, "text/html").body.textContent.trim();
}

async function copyCode(button, code) {
  await navigator.clipboard.writeText(code);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
