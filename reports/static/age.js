/* Warns that the page is older than its limit, or that the next edition is late: more than 15
   minutes after it was due, since a run takes minutes. */
(() => {
  const old = document.getElementById("pagina-antiga");
  const age = Date.now() - Date.parse(old.dataset.generated);
  old.hidden = age <= Number(old.dataset.limitHours) * 3600000;
  const late = document.getElementById("pagina-atrasada");
  if (late) {
    late.hidden = !old.hidden || Date.now() - Date.parse(late.dataset.next) <= 900000;
  }
})();
