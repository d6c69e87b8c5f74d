/* Tells the reader that the page itself is old: it stays as it was made while time passes. Or that
   the next edition did not come: a run takes minutes, so it is late after a quarter of an hour. */
(() => {
  const old = document.getElementById("pagina-antiga");
  const age = Date.now() - Date.parse(old.dataset.generated);
  old.hidden = age <= Number(old.dataset.limitHours) * 3600000;
  const late = document.getElementById("pagina-atrasada");
  if (late) {
    late.hidden = !old.hidden || Date.now() - Date.parse(late.dataset.next) <= 900000;
  }
})();
