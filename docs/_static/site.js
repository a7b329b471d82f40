/* Two things that pages can do only where they are shown: know other versions, and filter the table of schemes. */

// Published, each version is a folder, and versions.json stands beside them. From a file or a lone copy, nothing is asked.
function otherVersions() {
  const root = new URL(document.documentElement.dataset.content_root, location.href);
  const folder = root.pathname.replace(/\/$/, "").split("/").pop();
  for (const menu of document.querySelectorAll(".versions")) {
    const named = [menu.dataset.version, "stable", "dev"].includes(folder);
    if (!named || !location.protocol.startsWith("http")) continue;
    fetch(new URL("../versions.json", root))
      .then((answer) => (answer.ok ? answer.json() : []))
      .then((listed) => {
        for (const each of listed) {
          const item = document.createElement("li");
          const link = document.createElement("a");
          link.href = new URL(`../${encodeURIComponent(each.version)}/`, root);
          link.textContent = each.name || each.version;
          if (each.version === folder) link.setAttribute("aria-current", "true");
          item.append(link);
          menu.querySelector("ul").prepend(item);
        }
      })
      .catch(() => {});
  }
}

// Boxes above a table: each asks for words in one of its columns. Without scripts, all rows are there.
function filters() {
  for (const place of document.querySelectorAll(".filters")) {
    const table = document.querySelector("table.filtered");
    if (!table) continue;
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    const rows = [...table.querySelectorAll("tbody tr")];
    const count = document.createElement("output");
    const boxes = [...place.querySelectorAll("li")].map((item) => {
      const [column, word] = item.querySelector("code").textContent.split(": ");
      const box = document.createElement("input");
      const label = document.createElement("label");
      item.querySelector("code").remove();
      box.type = "checkbox";
      label.append(box, ...item.childNodes);
      item.append(label);
      box.addEventListener("change", show);
      return { box, column: heads.indexOf(column), word };
    });
    function show() {
      const asked = boxes.filter((each) => each.box.checked);
      for (const row of rows) {
        row.hidden = !asked.every((each) => row.cells[each.column].textContent.includes(each.word));
      }
      count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} schemes`;
    }
    place.append(count);
    place.classList.add("ready");
    show();
  }
}

document.addEventListener("DOMContentLoaded", () => {
  otherVersions();
  filters();
});
