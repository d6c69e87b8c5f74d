/* Tells the reader that the page itself is old: it stays as it was made while time passes. */
(() => {
  const warning = document.getElementById("pagina-antiga");
  const age = Date.now() - Date.parse(warning.dataset.generated);
  warning.hidden = age <= Number(warning.dataset.limitHours) * 3600000;
})();
