// A click on a column's head sorts the table by it; another click turns the order round. Without scripts nothing is lost.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const words = !head.classList.contains("n");
      const up = head.ariaSort ? head.ariaSort === "descending" : words;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.ariaSort = up ? "ascending" : "descending";
      const value = (row) => {
        const text = row.cells[column].textContent;
        return words ? text : parseFloat(text.replace(/[^0-9.]/g, ""));
      };
      const compare = (a, b) => (words ? a.localeCompare(b) : (isNaN(a) ? -1 : a) - (isNaN(b) ? -1 : b));
      const rows = [...body.rows].sort((a, b) => compare(value(a), value(b)) * (up ? 1 : -1));
      body.append(...rows);
    });
  });
}
