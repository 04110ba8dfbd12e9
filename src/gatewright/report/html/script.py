"""What the verdict page runs; without it everything is there all the same, and nothing is hidden."""

__all__ = ["SCRIPT"]

SCRIPT = r"""
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, type, text) => {
    const element = document.createElement(name);
    element.className = type;
    element.textContent = text;
    return element;
  };

  // In a run folder the page is called verdict.html, and links lead from there.
  if (location.pathname.split("/").pop().startsWith("verdict")) {
    for (const link of all("a[data-inner]")) link.setAttribute("href", link.dataset.inner);
  }

  // How long ago the verdict was given, as seen when the page is opened.
  for (const time of all("header time")) {
    const minutes = Math.round((Date.now() - Date.parse(time.dateTime)) / 60000);
    const [count, unit] = minutes < 60 ? [minutes, "min"] : minutes < 2880 ? [Math.round(minutes / 60), "h"]
      : [Math.round(minutes / 1440), "days"];
    if (minutes >= 0) time.textContent += ` (${count} ${unit} ago)`;
  }

  // Copy a command.
  for (const command of all("code.command")) {
    const text = command.textContent;
    const button = make("button", "copy", "copy");
    button.type = "button";
    button.setAttribute("aria-label", `copy: ${text}`);
    button.addEventListener("click", async () => {
      let done = true;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange();
        range.setStart(command, 0);
        range.setEndBefore(button);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        done = document.execCommand("copy");
      }
      button.textContent = done ? "copied" : "select it";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
    command.classList.add("copies");
    command.append(button);
  }

  // Filter the checks.
  const table = document.querySelector("table.checks");
  const tools = document.querySelector("form.tools");
  if (!table || !tools) return;
  const bodies = all("tbody", table);
  const words = new Map(bodies.map((body) => [body, body.rows[0].textContent.toLowerCase()]));
  const find = tools.querySelector("input[type=search]");
  const told = tools.querySelector("output");
  const filter = () => {
    const wanted = find.value.trim().toLowerCase().split(/\s+/);
    const state = tools.querySelector("input[name=state]:checked").value;
    let shown = 0;
    for (const body of bodies) {
      const own = body.dataset.state;
      const fits = !state || own === state || (state === "open" && own !== "PASS");
      body.hidden = !fits || !wanted.every((word) => words.get(body).includes(word));
      shown += body.hidden ? 0 : 1;
    }
    told.textContent = shown === bodies.length ? "" : `${shown} of ${bodies.length} shown`;
  };
  tools.addEventListener("input", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.hidden = false;
  filter();

  // Sort them: up, down, and as they were.
  const heads = all("th[data-sort]", table);
  for (const head of heads) {
    const name = head.className;
    const button = make("button", "sort", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const order = next[head.getAttribute("aria-sort") || "none"];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (order !== "none") head.setAttribute("aria-sort", order);
      const key = (body) => {
        const value = body.querySelector(`[data-name="${name}"]`).dataset.key;
        return head.dataset.sort === "number" ? Number(value) : value;
      };
      const place = (body) => Number(body.dataset.place);
      const sign = order === "descending" ? -1 : 1;
      const compare = (one, other) => {
        const [a, b] = [key(one), key(other)];
        const differ = order === "none" || a === b ? 0 : (a < b ? -1 : 1) * sign;
        return differ || place(one) - place(other);
      };
      table.append(...bodies.slice().sort(compare));
    });
    head.replaceChildren(button);
  }
})();
""".strip()
