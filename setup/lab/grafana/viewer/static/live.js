// Fetches the page's content anew and exchanges the panels that have changed, so that scrolling, focus and a
// selected text stay. Without this script the page reloads itself.
"use strict";
(() => {
  const EVERY = 2000, DOWN = 5000, LONGEST = 10000;
  const main = document.getElementById("live");
  const note = Object.assign(document.createElement("p"), { className: "live-note" });
  note.setAttribute("role", "status");
  document.querySelector("header").append(note);

  for (const form of document.querySelectorAll("form.controls")) {
    form.addEventListener("change", () => form.submit());
  }
  const address = main.dataset.live;
  if (!address) return;

  const focusable = "a[href],button,input,select,[tabindex]";
  const places = (panel) => [...panel.querySelectorAll("*")].filter((e) => e.scrollTop || e.scrollLeft)
    .map((e) => [path(panel, e), e.scrollTop, e.scrollLeft]);
  const path = (panel, element) => {
    const steps = [];
    for (let at = element; at !== panel; at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
    return steps;
  };
  const follow = (panel, steps) => steps.reduce((at, step) => at && at.children[step], panel);
  const selecting = (panel) => {
    const selection = getSelection();
    return !selection.isCollapsed && selection.containsNode(panel, true);
  };

  const exchange = (old, fresh) => {
    const scrolled = places(old);
    const focused = old.contains(document.activeElement)
      ? [...old.querySelectorAll(focusable)].indexOf(document.activeElement) : -1;
    old.replaceWith(fresh);
    for (const [steps, top, left] of scrolled) {
      const element = follow(fresh, steps);
      if (element) Object.assign(element, { scrollTop: top, scrollLeft: left });
    }
    if (focused >= 0) fresh.querySelectorAll(focusable)[focused]?.focus({ preventScroll: true });
  };

  let shown = new Map();
  const take = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const panels = [...fresh.querySelectorAll("[id]")].filter((e) => e.matches(".panel,.live"));
    const here = [...main.querySelectorAll(".panel[id],.live[id]")];
    if (panels.map((p) => p.id).join() !== here.map((p) => p.id).join()) return location.reload();
    panels.forEach((panel, n) => {
      const text = panel.outerHTML;
      if ((shown.get(panel.id) ?? here[n].outerHTML) === text || selecting(here[n])) return;
      shown.set(panel.id, text);
      exchange(here[n], document.adoptNode(panel));
    });
  };

  const say = (text, down) => {
    if (note.textContent !== text) note.textContent = text;
    document.body.classList.toggle("down", down);
  };
  const again = (wait) => setTimeout(look, wait);
  const look = async () => {
    if (document.hidden) return again(EVERY);
    let wait = EVERY;
    try {
      const answer = await fetch(address, { signal: AbortSignal.timeout(LONGEST), cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status === 404 ? "gone" : "down");
      take(await answer.text());
      say("live", false);
      document.body.dataset.looks = Number(document.body.dataset.looks || 0) + 1;
    } catch {
      say("The lab is down; these are the last values.", true);
      wait = DOWN;
    }
    again(wait);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) say("live", false); });
  say("live", false);
  again(EVERY);
})();
