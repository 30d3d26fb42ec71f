// The people of the rehearsal, to be tried by hand. A button fills in the sign-in form, as a hand would, and sends nothing.
import { byId } from "./list.js";

export async function listPeople() {
  const { people } = await (await fetch("/rehearsal.json")).json();
  byId("people").replaceChildren(...people.map(itemOf));
}

function itemOf(person) {
  const item = byId("person").content.firstElementChild.cloneNode(true);
  item.dataset.email = person.email;
  item.querySelector(".name").textContent = person.name;
  item.querySelector(".email").textContent = person.email;
  item.querySelector(".password").textContent = person.password;
  item.querySelector(".note").textContent = person.note;
  const button = item.querySelector("button");
  button.setAttribute("aria-label", `Fill in as ${person.name}`);
  button.addEventListener("click", () => fillIn(person));
  return item;
}

// The way to the sign-in form from each of the app's other views.
const ways = { "forgot": "forgot-back", "reset": "reset-back", "account": "sign-out" };

function fillIn(person) {
  for (const [view, way] of Object.entries(ways)) {
    if (!byId(view).hidden) byId(way).click();
  }
  enter(byId("sign-in-email"), person.email);
  enter(byId("sign-in-password"), person.password);
  byId("sign-in").querySelector("[type=submit]").focus();
}

function enter(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
